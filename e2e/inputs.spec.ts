import { type BrowserContext, expect, type Locator, type Page } from "@playwright/test"
import { InputsServer } from "./inputs.ts"
import { soak, soakUnless, test } from "./test.ts"

// What is bound with `useField` to rows that come from a worker, in a real browser.

/** 30 characters, each another one: what is lost, doubled or moved is seen. */
const LETTERS = "abcdefghijklmnopqrstuvwxyz0123"

let server: InputsServer
test.beforeAll(async () => {
  server = await InputsServer.start()
})
test.afterAll(() => server[Symbol.asyncDispose]())

let docs = 0

/** A document that no test has used. */
async function newDoc({ count, title }: { count: number; title: string }): Promise<string> {
  const doc = `inputs${++docs}`
  await server.fill({ doc, count, title })
  return doc
}

async function open(context: BrowserContext, doc: string, query = ""): Promise<Page> {
  const page = await context.newPage()
  await page.goto(`${server.url}/?doc=${doc}${query}`)
  // Not an expectation: between two looks Playwright describes the page, which takes it many seconds with 10,000 rows.
  await page.waitForFunction(() => document.querySelector("li") !== null, null, { timeout: 30_000 })
  return page
}

function titleOf(page: Page, id: number): Locator {
  return page.locator(`[aria-label="title ${id}"]`)
}

async function putCaret(input: Locator, at: number): Promise<void> {
  await input.focus()
  await input.evaluate((element: HTMLInputElement, at) => element.setSelectionRange(at, at), at)
}

/** The text with the caret in it: "on|e". */
function shown(input: Locator): Promise<string> {
  return input.evaluate((element: HTMLInputElement) => {
    const { value, selectionStart: start, selectionEnd: end } = element
    return start === null || start !== end
      ? `${value} (${start} to ${end})`
      : `${value.slice(0, start)}|${value.slice(start)}`
  })
}

function commitsOf(page: Page): Promise<string[]> {
  return page.evaluate(() => (window as unknown as { commits: string[] }).commits)
}

async function setOnline(page: Page, online: boolean): Promise<void> {
  await page.evaluate(
    (to) => (window as unknown as Window & { setOnline(online: boolean): void }).setOnline(to),
    online,
  )
  await expect(page.getByTestId("status")).toHaveText(online ? "connected" : "offline", { timeout: 15_000 })
}

async function isSynced(page: Page): Promise<void> {
  await expect(page.getByTestId("status")).toHaveText("connected", { timeout: 15_000 })
  await expect(page.locator('[data-is-dirty="true"]')).toHaveCount(0, { timeout: 15_000 })
  await expect(page.getByTestId("pending")).toHaveText("0", { timeout: 15_000 })
}

async function titleAtServer(doc: string, id: number): Promise<string | undefined> {
  return (await server.rows(doc)).find((row) => row.id === id)?.title
}

for (const [where, before, after] of [
  ["at the end", "one two", ""],
  ["at the start", "", "one two"],
  ["in the middle", "one ", "two"],
]) {
  test(
    `30 characters typed ${where} of a text are kept, the caret behind the last (H9)`,
    soakUnless(where === "in the middle"),
    async ({ context }) => {
      const speeds = [0, 15, 60, 150]
      const doc = await newDoc({ count: speeds.length, title: before + after })
      const page = await open(context, doc)
      for (const [i, delay] of speeds.entries()) {
        const input = titleOf(page, i + 1)
        await putCaret(input, before.length)
        await page.keyboard.type(LETTERS, { delay })
        expect(await shown(input), `${delay} ms a key`).toBe(`${before}${LETTERS}|${after}`)
        await isSynced(page)
        expect(await shown(input), `${delay} ms a key, when the server has it`).toBe(`${before}${LETTERS}|${after}`)
      }
      const titles = (await server.rows(doc)).map((row) => row.title)
      expect(titles).toEqual(speeds.map(() => `${before}${LETTERS}${after}`))
    },
  )
}

test("what an input method composes is committed once, whole, whatever arrives meanwhile (H9)", async ({ context }) => {
  const doc = await newDoc({ count: 2, title: "one two" })
  const page = await open(context, doc)
  const input = titleOf(page, 1)
  const cdp = await context.newCDPSession(page)
  const compose = (text: string) =>
    cdp.send("Input.imeSetComposition", { text, selectionStart: text.length, selectionEnd: text.length })
  await putCaret(input, 4)
  for (const text of ["k", "か", "かn", "かん"]) await compose(text)
  await server.rename({ doc, id: 1, title: "from elsewhere" })
  await server.rename({ doc, id: 2, title: "arrived" })
  await expect(titleOf(page, 2)).toHaveValue("arrived")
  for (const text of ["かんj", "かんじ", "漢字"]) await compose(text)
  expect(await shown(input)).toBe("one 漢字|two")
  expect(await commitsOf(page)).toEqual([])
  await cdp.send("Input.insertText", { text: "漢字" })
  await isSynced(page)
  expect(await shown(input)).toBe("one 漢字|two")
  expect(await commitsOf(page)).toEqual(["one 漢字two"])
  expect(await titleAtServer(doc, 1)).toBe("one 漢字two")
})

test("Playwright's check() ticks 20 boxes of 20 (H9)", async ({ context }) => {
  const doc = await newDoc({ count: 20, title: "one" })
  const page = await open(context, doc)
  for (let id = 1; id <= 20; id++) await page.getByLabel(`done ${id}`, { exact: true }).check()
  await isSynced(page)
  await expect(page.getByRole("checkbox", { checked: true })).toHaveCount(20)
  expect((await server.rows(doc)).filter((row) => row.done === 1)).toHaveLength(20)
})

test("a select shows the chosen value at once, and never the old one again (H9)", async ({ context }) => {
  const doc = await newDoc({ count: 1, title: "one" })
  const page = await open(context, doc)
  const select = page.getByLabel("color 1", { exact: true })
  await select.evaluate((element: HTMLSelectElement) => {
    const seen: string[] = []
    Object.assign(window, { seen })
    const look = (left: number) => {
      seen.push(element.value)
      if (left > 0) requestAnimationFrame(() => look(left - 1))
    }
    // After React's own listeners, which are at the root.
    window.addEventListener("change", () => queueMicrotask(() => look(30)))
  })
  await select.selectOption("blue")
  await expect.poll(() => page.evaluate(() => (window as unknown as { seen: string[] }).seen.length)).toBe(31)
  expect(new Set(await page.evaluate(() => (window as unknown as { seen: string[] }).seen))).toEqual(new Set(["blue"]))
  await isSynced(page)
  expect((await server.rows(doc))[0].color).toBe("blue")
})

/** Every text of the input from now on, as `shown` has it. */
async function watchTexts(input: Locator): Promise<() => Promise<string[]>> {
  await input.evaluate((element: HTMLInputElement) => {
    const texts: string[] = []
    Object.assign(element, { texts })
    const note = () => {
      const at = element.selectionStart ?? 0
      const text = `${element.value.slice(0, at)}|${element.value.slice(at)}`
      if (texts.at(-1) !== text) texts.push(text)
      requestAnimationFrame(note)
    }
    note()
  })
  return () => input.evaluate((element) => (element as unknown as { texts: string[] }).texts)
}

test("while two browsers type into one row no caret jumps, and both end with the same text (H9)", async ({
  browser,
}) => {
  const doc = await newDoc({ count: 1, title: "one, two" })
  const pages = await Promise.all([1, 2].map(async () => open(await browser.newContext(), doc)))
  const failures: string[] = []
  for (const page of pages) {
    page.on("pageerror", (error) => failures.push(error.message))
    page.on("crash", () => failures.push("crashed"))
  }
  const [a, b] = pages
  await putCaret(titleOf(a, 1), 3)
  await putCaret(titleOf(b, 1), 8)
  const [textsOfA, textsOfB] = [await watchTexts(titleOf(a, 1)), await watchTexts(titleOf(b, 1))]
  await Promise.all([a.keyboard.type("a".repeat(30), { delay: 60 }), b.keyboard.type("b".repeat(30), { delay: 70 })])
  await isSynced(a)
  await isSynced(b)
  const title = await titleAtServer(doc, 1)
  await expect(titleOf(a, 1)).toHaveValue(title ?? "")
  await expect(titleOf(b, 1)).toHaveValue(title ?? "")
  // The last writer wins, so letters may be missing; but each user's are where that user types.
  expect((await textsOfA()).filter((text) => !/^onea*\|, twob*$/.test(text))).toEqual([])
  expect((await textsOfB()).filter((text) => !/^onea*, twob*\|$/.test(text))).toEqual([])
  expect(failures).toEqual([])
})

test("a refused value falls back to the row with its reason; what is typed later stays (H9)", async ({ context }) => {
  const doc = await newDoc({ count: 1, title: "one" })
  const page = await open(context, doc)
  const input = titleOf(page, 1)
  await putCaret(input, 3)
  await page.keyboard.type(" bad", { delay: 60 })
  await expect(page.getByRole("alert")).toHaveText("MUTATION_REJECTED")
  await isSynced(page)
  expect(await shown(input)).toBe("one ba|")
  expect(await titleAtServer(doc, 1)).toBe("one ba")
  await page.keyboard.type("nana", { delay: 60 })
  await expect(page.getByRole("alert")).toHaveCount(0)
  await isSynced(page)
  expect(await shown(input)).toBe("one banana|")
  expect(await titleAtServer(doc, 1)).toBe("one banana")
})

test("what was corrected before the server could refuse it stays as it is (H9)", async ({ context }) => {
  const doc = await newDoc({ count: 1, title: "one" })
  const page = await open(context, doc)
  const input = titleOf(page, 1)
  await setOnline(page, false)
  await putCaret(input, 3)
  await page.keyboard.type(" badge", { delay: 60 })
  for (let i = 0; i < 3; i++) await page.keyboard.press("Backspace")
  await page.keyboard.type("nana", { delay: 60 })
  await expect(input).toHaveAttribute("data-is-dirty", "false")
  await setOnline(page, true)
  await isSynced(page)
  expect(await shown(input)).toBe("one banana|")
  expect(await titleAtServer(doc, 1)).toBe("one banana")
  await expect(page.getByRole("alert")).toHaveCount(0)
})

test("in a list of 10,000 rows none of what is typed into one is lost (H9)", soak, async ({ context }) => {
  test.setTimeout(150_000)
  const doc = await newDoc({ count: 10_000, title: "one two" })
  const page = await open(context, doc)
  const input = titleOf(page, 5_000)
  await putCaret(input, 4)
  await page.keyboard.type(LETTERS, { delay: 15 })
  expect(await shown(input)).toBe(`one ${LETTERS}|two`)
  await isSynced(page)
  expect(await shown(input)).toBe(`one ${LETTERS}|two`)
  expect(await titleAtServer(doc, 5_000)).toBe(`one ${LETTERS}two`)
})

test("text typed right before leaving the page is there after coming back (H9)", async ({ context }) => {
  const doc = await newDoc({ count: 1, title: "one " })
  const page = await open(context, doc, "&when=pause")
  await putCaret(titleOf(page, 1), 4)
  await page.keyboard.type(LETTERS)
  expect(await commitsOf(page)).toEqual([])
  await page.goto("about:blank")
  await page.goto(`${server.url}/?doc=${doc}&when=pause`)
  await expect(titleOf(page, 1)).toHaveValue(`one ${LETTERS}`)
  await isSynced(page)
  expect(await titleAtServer(doc, 1)).toBe(`one ${LETTERS}`)
})

test("a change from elsewhere shows in the focused input; the caret keeps its place (H9)", async ({ context }) => {
  const doc = await newDoc({ count: 1, title: "hello world" })
  const page = await open(context, doc)
  const input = titleOf(page, 1)
  await putCaret(input, 6)
  const texts = ["well, hello |world", "well, hello |world!", "well, |world!", "well, |"]
  for (const text of texts) {
    await server.rename({ doc, id: 1, title: text.replace("|", "") })
    await expect.poll(() => shown(input)).toBe(text)
  }
  await page.keyboard.type("there")
  await isSynced(page)
  expect(await titleAtServer(doc, 1)).toBe("well, there")
})

test("a change from elsewhere on both sides of the caret leaves it between the same letters (H9)", async ({
  context,
}) => {
  const doc = await newDoc({ count: 1, title: "onea, two" })
  const page = await open(context, doc)
  const input = titleOf(page, 1)
  await putCaret(input, 4)
  await server.rename({ doc, id: 1, title: "one, twob" })
  await expect(input).toHaveValue("one, twob")
  expect(await shown(input)).toBe("one|, twob")
})
