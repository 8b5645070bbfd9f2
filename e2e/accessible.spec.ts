// The demo for those who read it with a screen reader, by touch, in large type or in few colours.
import { expect, type Page } from "@playwright/test"
import { isAxeClean } from "./axe.ts"
import { WORKER } from "./in-worker.ts"
import { passOn } from "./pass-on.ts"
import { Server } from "./server.ts"
import { soak, soakUnless, test } from "./test.ts"
import { newListUrl, TodoPage } from "./todo-page.ts"

let server: Server
test.beforeAll(async () => {
  server = await Server.start()
})
test.afterAll(() => server[Symbol.asyncDispose]())

// Without motion, colours are what they become as soon as a state changes.
test.use({ contextOptions: { reducedMotion: "reduce" } })

test("axe objects to no state of the list, light or dark", async ({ page, context }) => {
  const todo = await TodoPage.open(page, newListUrl(server.url))
  await isAxeClean(page, "an empty list")
  await todo.add("one", "two")
  await todo.isSynced()
  await isAxeClean(page, "a list with todos")
  await todo.toggle("one")
  await page.getByRole("link", { name: "Completed" }).click()
  await todo.shows(["one"])
  await isAxeClean(page, "a selected filter")
  await page.getByRole("link", { name: "All" }).click()
  await todo.toggle("two")
  await expect(page.getByTestId("todo-count")).toHaveText("0 items left")
  await isAxeClean(page, "all completed")
  await todo.row("one").getByTestId("todo-title").dblclick()
  await expect(page.getByTestId("todo-edit")).toBeFocused()
  await isAxeClean(page, "a todo being edited")
  await page.keyboard.press("Escape")
  await context.grantPermissions(["clipboard-read", "clipboard-write"])
  await page.getByRole("button", { name: "Share" }).click()
  const dialog = page.getByRole("dialog", { name: "Share this list" })
  await expect(dialog.getByRole("img", { name: "The link as a QR code" })).toBeVisible()
  await dialog.getByRole("button", { name: "Copy" }).click()
  await expect(page.getByRole("status", { name: "Sharing" })).toHaveText("The link is copied")
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(page.url().split("#")[0])
  await isAxeClean(page, "a shared link")
  await page.keyboard.press("Escape")
  await expect(dialog).toBeHidden()
  await expect(page.getByRole("button", { name: "Share" })).toBeFocused()
  await page.getByTestId("offline-switch").click()
  await todo.add("three")
  await expect(todo.pending).toHaveText("1")
  await expect(todo.status).toHaveAttribute("data-status", "offline")
  await isAxeClean(page, "offline")
  await page.getByTestId("offline-switch").click()
  await todo.isSynced()
  await todo.input.fill("reject me")
  await todo.input.press("Enter")
  await expect(page.getByTestId("rejected-notice")).toBeVisible()
  await isAxeClean(page, "a rejected change")
})

test("axe objects to no error notice, light or dark", async ({ browser }) => {
  const context = await browser.newContext({ serviceWorkers: "block", reducedMotion: "reduce" })
  await context.route(WORKER, (route) => route.fulfill({ status: 404, body: "" }))
  const page = await context.newPage()
  await page.goto(newListUrl(server.url))
  await expect(page.getByTestId("error-notice")).toBeVisible({ timeout: 11_000 })
  await isAxeClean(page, "an error")
})

test("axe objects to no other page, light or dark", async ({ page }) => {
  await page.goto(`${server.url}/lists`)
  await expect(page.getByText("No lists on this device yet.")).toBeVisible()
  await isAxeClean(page, "an empty index")
  for (const title of ["bread", "milk"]) await (await TodoPage.open(page, newListUrl(server.url))).add(title)
  await page.goto(`${server.url}/lists`)
  await expect(page.getByRole("listitem")).toHaveCount(2)
  await isAxeClean(page, "an index")
  for (const path of ["/", "/nowhere", "/l/no+list", "/docs", "/docs/queries"]) {
    await page.goto(`${server.url}${path}`)
    await isAxeClean(page, path)
  }
})
test("a screen reader reads each title once; lists are named; banner, main and filters are landmarks", async ({
  page,
  context,
}) => {
  const todo = await TodoPage.open(page, newListUrl(server.url))
  await todo.add("bread")
  const cdp = await context.newCDPSession(page)
  const { nodes } = await cdp.send("Accessibility.getFullAXTree")
  for (const [text, role] of [
    ["bread", "checkbox"],
    ["Mark all as complete", "checkbox"],
    ["todos", "heading"],
  ]) {
    // A heading's own text is in the tree below it, and read with it.
    const read = nodes.filter(
      ({ ignored, name, role }) => !ignored && name?.value === text && !/Text/.test(role?.value),
    )
    expect(read.map((node) => node.role?.value)).toContain(role)
  }
  const titles = nodes.filter(({ ignored, name }) => !ignored && name?.value === "bread")
  expect(titles.map(({ role }) => role?.value)).toEqual(["checkbox"])
  await expect(page.getByRole("banner").getByRole("navigation", { name: "List" })).toHaveCount(1)
  await expect(page.getByRole("main").getByRole("list", { name: "Todos" }).getByRole("listitem")).toHaveCount(1)
  await expect(page.getByRole("main").getByRole("navigation", { name: "Filters" }).getByRole("link")).toHaveCount(3)
  // A click on a title, which is the checkbox's label, does not toggle: TodoMVC's specification.
  await todo.titles.click()
  await expect(todo.row("bread").getByRole("checkbox")).not.toBeChecked()
  await page.goto(`${server.url}/lists`)
  await expect(page.getByRole("list", { name: "My lists" }).getByRole("listitem")).toHaveCount(1)
  await expect(page.getByRole("link", { name: "bread 1 left of 1" })).toHaveCount(1)
})

test("a list has one name for all; the window's title and the index have it, and the count of its open items", async ({
  browser,
  page,
}) => {
  const url = newListUrl(server.url)
  const todo = await TodoPage.open(page, url)
  await expect(page).toHaveTitle("todos (0 left)")
  await todo.add("one", "two")
  await expect(page).toHaveTitle("todos (2 left)")
  await todo.toggle("one")
  await expect(page).toHaveTitle("todos (1 left)")
  const far = await TodoPage.open(await (await browser.newContext()).newPage(), url)
  await expect(page.getByText("2 here")).toBeVisible()
  await far.page.getByTestId("list-name").fill("Groceries")
  await far.page.getByTestId("list-name").press("Enter")
  await expect(page).toHaveTitle("Groceries (1 left)")
  await page.reload()
  await expect(page).toHaveTitle("Groceries (1 left)")
  await expect(page.getByTestId("list-name")).toHaveValue("Groceries")
  await page.getByRole("link", { name: "My lists" }).click()
  // The whole row is the link.
  await page.getByRole("link", { name: "Groceries" }).click({ position: { x: 300, y: 30 } })
  await expect(page).toHaveURL(url)
})

for (const colorScheme of ["light", "dark"] as const) {
  test(
    `forced colours, ${colorScheme}: every state is drawn in the system's colours`,
    soakUnless(colorScheme === "dark"),
    async ({ page }) => {
      await page.emulateMedia({ forcedColors: "active", colorScheme })
      const todo = await TodoPage.open(page, newListUrl(server.url))
      await todo.add("one", "two")
      await todo.toggle("two")
      await todo.isSynced()
      // The mouse and the focus are elsewhere.
      await page.mouse.move(0, 0)
      await todo.input.blur()

      const open = await drawn(page, ".todo-list li:first-child .toggle")
      const done = await drawn(page, ".todo-list li:last-child .toggle")
      expect(open.ink).toBeGreaterThan(60)
      expect(done.ink).toBeGreaterThan(open.ink + 60)

      const online = await drawn(page, ".badge-dot")
      const off = await drawn(page, ".switch-track")
      expect(online.ink).toBeGreaterThan(20)
      expect(off.ink).toBeGreaterThan(100)
      await page.getByTestId("offline-switch").click()
      await page.mouse.move(0, 0)
      await page.getByTestId("offline-switch").blur()
      await expect(todo.status).toHaveAttribute("data-status", "offline")
      const offline = await drawn(page, ".badge-dot")
      const on = await drawn(page, ".switch-track")
      expect(offline.ink).toBeGreaterThan(8)
      expect(offline.ink).toBeLessThan(online.ink)
      expect(on.ink).toBeGreaterThan(off.ink)

      const selected = await drawn(page, ".filters .selected")
      const unselected = await drawn(page, ".filters a:not(.selected)")
      expect(selected.ink).toBeGreaterThan(unselected.ink * 2)

      for (const focused of [".new-todo", ".share", ".destroy", ".filters .selected"]) {
        await page.locator(focused).first().blur()
        const before = await drawn(page, focused)
        // By key, so that the focus is to be seen.
        await page.keyboard.press("Shift")
        await page.locator(focused).first().focus()
        const after = await drawn(page, focused)
        expect(after.ink, `the ring of ${focused}`).toBeGreaterThan(before.ink + 100)
      }
      await page.locator(".toggle").first().focus()
      expect((await drawn(page, ".todo-list li:first-child .toggle")).ink).toBeGreaterThan(open.ink + 60)
    },
  )
}

test("at 200 % and at 400 % nothing is cut off and nothing scrolls sideways", async ({ page }) => {
  const url = newListUrl(server.url)
  const todo = await TodoPage.open(page, url)
  await todo.add("a title of many words that has to be broken into several lines", "w".repeat(120), "short")
  await todo.toggle("short")
  await todo.isSynced()
  for (const width of [640, 320]) {
    await page.setViewportSize({ width, height: 512 })
    await page.goto(`${url}?width=${width}`)
    await expect(todo.titles).toHaveCount(3)
    await todo.isSynced()
    await todo.input.fill("reject me")
    await todo.input.press("Enter")
    await expect(page.getByTestId("rejected-notice")).toBeVisible()
    expect(await cutOff(page), `a list at ${width}`).toEqual([])
    await page.getByTestId("share-button").click()
    await expect(page.getByRole("img", { name: "The link as a QR code" })).toBeVisible()
    expect(await cutOff(page), `the share dialog at ${width}`).toEqual([])
    const dialog = page.getByRole("dialog")
    expect(await dialog.evaluate((box) => box.scrollWidth - box.clientWidth)).toBe(0)
    await dialog.getByRole("button", { name: "Close" }).scrollIntoViewIfNeeded()
    await dialog.getByRole("button", { name: "Close" }).click()
    await page.getByTestId("rejected-notice").getByRole("button").click()
    await page.getByTestId("offline-switch").click()
    await todo.add("unsent")
    await expect(todo.status).toHaveAttribute("data-status", "offline")
    expect(await cutOff(page), `a list offline at ${width}`).toEqual([])
    await todo.remove("unsent")
    await page.getByTestId("offline-switch").click()
    for (const path of ["/", "/lists", "/nowhere", "/docs", "/docs/queries", "/docs/errors", "/docs/concepts"]) {
      await page.goto(`${server.url}${path}`)
      expect(await cutOff(page), `${path} at ${width}`).toEqual([])
      if (path !== "/") continue
      // The header's words neither touch nor break.
      const [name, link] = await page.locator(".home-name, .home-header a").evaluateAll((all) => {
        return all.map((one) => one.getBoundingClientRect())
      })
      expect(link?.height).toBeLessThan(40)
      if (link?.x !== name?.x) expect((link?.left ?? 0) - (name?.right ?? 0)).toBeGreaterThan(8)
    }
  }
})

test("targets have 24 pixels with a mouse and 44 on a phone", soak, async ({ browser, page }) => {
  const url = newListUrl(server.url)
  const phone = await browser.newContext({ hasTouch: true, isMobile: true, viewport: { width: 390, height: 844 } })
  for (const [one, pixels] of [
    [page, 24],
    [await phone.newPage(), 44],
  ] as const) {
    const todo = await TodoPage.open(one, url)
    await todo.add(`on ${pixels}`)
    await todo.toggle(`on ${pixels}`)
    await todo.input.fill("reject me")
    await todo.input.press("Enter")
    await expect(one.getByTestId("rejected-notice")).toBeVisible()
    await expect(one.getByRole("button", { name: "Clear completed" })).toBeVisible()
    expect(await targetsBelow(one, pixels)).toEqual([])
    await one.goto(`${server.url}/lists`)
    await expect(one.getByRole("listitem")).toHaveCount(1)
    expect(await targetsBelow(one, pixels)).toEqual([])
    await one.goto(`${server.url}/docs/queries`)
    expect(await targetsBelow(one, 24)).toEqual([])
  }
})

test("nothing moves for those who want less motion", async ({ page }) => {
  const todo = await TodoPage.open(page, newListUrl(server.url))
  await todo.add("one")
  await todo.input.fill("reject me")
  await todo.input.press("Enter")
  await expect(page.getByTestId("rejected-notice")).toBeVisible()
  expect(await moving(page)).toEqual([])
  await page.emulateMedia({ reducedMotion: "no-preference" })
  expect(await moving(page)).toContain("switch-track::before")
})

test("a link skips the toolbar, keeps the filter, and no key loses the focus", async ({ page }) => {
  const todo = await TodoPage.open(page, `${newListUrl(server.url)}#/completed`)
  await page.goto(page.url())
  await todo.input.fill("one")
  await todo.input.press("Enter")
  await page.getByRole("link", { name: "Skip to the list" }).focus()
  await expect(page.getByRole("link", { name: "Skip to the list" })).toBeInViewport({ ratio: 1 })
  await page.keyboard.press("Enter")
  await expect(page.getByRole("main")).toBeFocused()
  expect(new URL(page.url()).hash).toBe("#/completed")
  await page.keyboard.press("Tab")
  await expect(todo.input).toBeFocused()
  await page.keyboard.press("Tab")
  await page.keyboard.press("Space")
  await page.getByRole("button", { name: "Clear completed" }).focus()
  await page.keyboard.press("Enter")
  await expect(page.getByTestId("todo-count")).toHaveCount(0)
  await expect(todo.input).toBeFocused()

  await page.goto(`${server.url}/docs/errors`)
  await page.keyboard.press("Tab")
  await expect(page.getByRole("link", { name: "Skip to the text" })).toBeInViewport({ ratio: 1 })
  await page.keyboard.press("Enter")
  await expect(page.getByRole("main")).toBeFocused()
})

test("without scripts the demo says what is missing, and the documentation is read", async ({ browser }) => {
  const page = await (await browser.newContext({ javaScriptEnabled: false })).newPage()
  for (const path of ["/lists", "/l/x", "/list", "/", "/sql"]) {
    await page.goto(`${server.url}${path}`)
    await expect(page.getByText(/JavaScript is off/)).toBeVisible()
    await expect(page.getByText(/Opening the database|No rows/).filter({ visible: true })).toHaveCount(0)
    await expect(page.getByRole("textbox")).toHaveCount(0)
    await expect(page.getByRole("button")).toHaveCount(0)
  }
  await page.getByRole("link", { name: "documentation" }).click()
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible()
})

test("at an address without https each page says so, and has no form", async ({ browser }) => {
  const context = await browser.newContext({ serviceWorkers: "block", reducedMotion: "reduce" })
  // No such host: its requests are answered by the server of this test.
  const origin = "http://lists.test"
  await context.route(`${origin}/**`, (route) =>
    passOn(route, async () => ({}), route.request().url().replace(origin, server.url)),
  )
  const page = await context.newPage()
  await page.goto(newListUrl(origin))
  await expect(page.getByRole("heading")).toHaveText(["This browser cannot run the database"])
  await expect(page.getByTestId("error-notice")).toHaveAttribute("data-code", "UNSUPPORTED")
  await expect(page.getByRole("main")).toContainText("by its https address")
  await expect(page.getByRole("textbox")).toHaveCount(0)
  await isAxeClean(page, "a browser that is not supported")
  for (const path of ["/", "/sql"]) {
    await page.goto(`${origin}${path}`)
    await expect(page.getByTestId("error-notice")).toContainText("by its https address")
    await expect(page.getByRole("textbox")).toHaveCount(0)
    await isAxeClean(page, `a browser that is not supported, at ${path}`)
  }
})

/** How many pixels of the element and 4 around it differ from the page's background by 3:1. */
async function drawn(page: Page, selector: string): Promise<{ ink: number }> {
  const box = await page.locator(selector).first().boundingBox()
  if (box === null) throw new Error(`${selector} is not on the page`)
  const clip = { x: box.x - 4, y: box.y - 4, width: box.width + 8, height: box.height + 8 }
  const png = (await page.screenshot({ clip, caret: "hide" })).toString("base64")
  return await page.evaluate(async (text) => {
    const bytes = Uint8Array.from(atob(text), (char) => char.charCodeAt(0))
    const bitmap = await createImageBitmap(new Blob([bytes]))
    const canvas = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d")
    if (canvas === null) throw new Error("the browser has no canvas")
    canvas.drawImage(bitmap, 0, 0)
    const { data } = canvas.getImageData(0, 0, bitmap.width, bitmap.height)
    const linear = (byte: number) => (byte <= 10 ? byte / 3294.6 : ((byte / 255 + 0.055) / 1.055) ** 2.4)
    const luminance = (red: number, green: number, blue: number) =>
      0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)
    const background = matchMedia("(prefers-color-scheme: dark)").matches ? 0 : 1
    let ink = 0
    for (let i = 0; i < data.length; i += 4) {
      const [dark, light] = [luminance(data[i], data[i + 1], data[i + 2]), background].sort((a, b) => a - b)
      if ((light + 0.05) / (dark + 0.05) >= 3) ink++
    }
    return { ink }
  }, png)
}

/** Texts that are outside the window or are clipped, and the page itself if it is wider than the window. */
function cutOff(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const { scrollWidth, clientWidth } = document.documentElement
    const cut = scrollWidth > clientWidth ? [`the page is ${scrollWidth} wide`] : []
    // A placeholder is in no scrollWidth.
    const pen = new OffscreenCanvas(1, 1).getContext("2d")
    for (const field of document.querySelectorAll<HTMLInputElement>(".new-todo")) {
      const { font, paddingLeft, paddingRight } = getComputedStyle(field)
      if (pen !== null) pen.font = font
      const room = field.clientWidth - Number.parseFloat(paddingLeft) - Number.parseFloat(paddingRight)
      const { width = Number.NaN } = pen?.measureText(field.placeholder) ?? {}
      if (!(width <= room)) cut.push(`${field.placeholder} ${width} in ${room}`)
    }
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
    while (walker.nextNode()) {
      const text = walker.currentNode
      const parent = text.parentElement
      if (parent === null || !text.textContent?.trim() || !parent.checkVisibility({ visibilityProperty: true }))
        continue
      if (parent.closest(".spoken, .skip, script, style") !== null) continue
      // For screen readers alone, at this width.
      if ([parent, parent.parentElement].some((box) => box !== null && getComputedStyle(box).clipPath !== "none"))
        continue
      const range = document.createRange()
      range.selectNodeContents(text)
      const { left, right } = range.getBoundingClientRect()
      let [from, to] = [0, clientWidth]
      let isScrolled = false
      for (let box: Element | null = parent; box !== null && box !== document.body; box = box.parentElement) {
        const { overflowX } = getComputedStyle(box)
        // Code and wide tables scroll for themselves.
        if (overflowX === "auto" || overflowX === "scroll") isScrolled = true
        const edges = box.getBoundingClientRect()
        if (overflowX === "hidden") [from, to] = [Math.max(from, edges.left), Math.min(to, edges.right)]
      }
      if (!isScrolled && (left < from - 1 || right > to + 1)) cut.push(`${text.textContent} ${left}-${right}`)
    }
    return cut
  })
}

/** Links, buttons and fields below this size; links within a sentence are as high as its lines. */
function targetsBelow(page: Page, pixels: number): Promise<string[]> {
  return page.evaluate((least) => {
    const targets = [...document.querySelectorAll("a, button, summary, input:not(.toggle-all), .toggle-all + label")]
    return targets.flatMap((target) => {
      const { width, height } = target.getBoundingClientRect()
      const isInSentence = target.closest("p, li, td, h2, h3")?.closest(".docs-article, .message") != null
      if (!target.checkVisibility() || target.matches(".skip") || isInSentence) return []
      if (width >= least && height >= least) return []
      return [`${target.className} ${target.textContent} ${width}x${height}`]
    })
  }, pixels)
}

/** What has a transition or an animation. */
function moving(page: Page): Promise<string[]> {
  return page.evaluate(() =>
    [...document.querySelectorAll("body *")].flatMap((element) =>
      ["", "::before", "::after"].flatMap((pseudo) => {
        const { transitionDuration, animationName } = getComputedStyle(element, pseudo)
        return /[1-9]/.test(transitionDuration) || animationName !== "none" ? [`${element.className}${pseudo}`] : []
      }),
    ),
  )
}
