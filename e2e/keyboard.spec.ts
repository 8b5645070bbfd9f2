import { expect } from "@playwright/test"
import { Server } from "./server.ts"
import { test } from "./test.ts"
import { newListUrl, TodoPage } from "./todo-page.ts"

test("the page works by keyboard alone, with visible focus and a name for every control", async ({ browser }) => {
  await using server = await Server.start()
  const a = await TodoPage.open(await (await browser.newContext()).newPage(), newListUrl(server.url))
  const { keyboard } = a.page
  await expect(a.input).toBeFocused()
  await keyboard.type("one")
  await keyboard.press("Enter")
  await a.shows(["one"])
  await a.isSynced()
  await expect(a.page.locator("body")).toMatchAriaSnapshot(`
    - banner:
      - link "Skip to the list"
      - navigation "List":
        - link "My lists"
        - textbox "The list's name"
        - status "Connection": Online
        - switch "Work offline"
        - button "Share"
    - main:
      - heading "todos" [level=1]
      - textbox "New todo"
      - checkbox "Mark all as complete"
      - list "Todos":
        - listitem:
          - checkbox "one"
          - button "Delete one"
      - navigation "Filters":
        - list:
          - listitem:
            - link "All"
          - listitem:
            - link "Active"
          - listitem:
            - link "Completed"
  `)
  const names: string[] = []
  for (let i = 0; i < 4; i++) {
    await keyboard.press("Tab")
    const { name, isVisible } = await a.page.evaluate(() => {
      const focused = document.activeElement as HTMLElement
      const shown = [focused, focused.nextElementSibling].filter((element) => element !== null)
      const styles = shown.flatMap((element) => [getComputedStyle(element), getComputedStyle(element, "::after")])
      return {
        name: focused.getAttribute("aria-label") ?? focused.id ?? focused.textContent,
        isVisible: styles.some(({ outlineStyle, boxShadow }) => outlineStyle !== "none" || boxShadow !== "none"),
      }
    })
    expect(isVisible, `${name} shows that it has the focus`).toBe(true)
    names.push(name || "a filter")
  }
  expect(names).toEqual(["Mark all as complete", "one", "Delete one", "a filter"])
  for (const key of ["F2", "Enter"]) {
    await a.row("one").getByRole("checkbox").focus()
    await keyboard.press(key)
    const edit = a.page.getByTestId("todo-edit")
    await expect(edit).toBeFocused()
    await edit.fill("something else")
    await keyboard.press("Escape")
    await a.shows(["one"])
    await expect(a.row("one").getByRole("checkbox")).toBeFocused()
  }
})

test("what goes away under the keyboard's focus leaves it to its neighbour, never to nothing", async ({ browser }) => {
  await using server = await Server.start()
  const context = await browser.newContext()
  const url = newListUrl(server.url)
  const a = await TodoPage.open(await context.newPage(), url)
  const { keyboard } = a.page
  const box = (title: string) => a.row(title).getByRole("checkbox")
  await a.add("one", "two", "three", "four", "five", "six")
  await a.isSynced()
  // Emptied.
  await box("two").focus()
  await keyboard.press("F2")
  await a.page.getByTestId("todo-edit").fill("")
  await keyboard.press("Enter")
  await expect(a.row("two")).toHaveCount(0)
  await expect(box("three")).toBeFocused()
  // Deleted, here and elsewhere: then no key of the user's reaches the next row's box.
  await keyboard.press("Tab")
  await keyboard.press("Enter")
  await expect(a.row("three")).toHaveCount(0)
  await expect(box("four")).toBeFocused()
  const far = await TodoPage.open(await (await browser.newContext()).newPage(), url)
  await far.remove("four")
  await expect(a.row("four")).toHaveCount(0)
  await expect(a.row("five")).toBeFocused()
  await keyboard.press("Tab")
  await expect(box("five")).toBeFocused()
  // Ticked under a filter; of the last one the one above has it, and without any the field.
  await a.page.getByRole("link", { name: "Active" }).click()
  await box("six").focus()
  await keyboard.press("Space")
  await expect(a.row("six")).toHaveCount(0)
  await expect(box("five")).toBeFocused()
  await keyboard.press("Space")
  await expect(box("one")).toBeFocused()
  await keyboard.press("Space")
  await expect(a.titles).toHaveCount(0)
  await expect(a.input).toBeFocused()
  // Notices.
  await a.input.fill("reject me")
  await a.input.press("Enter")
  await a.page.getByRole("button", { name: "Dismiss" }).press("Enter")
  await expect(a.input).toBeFocused()
  const name = a.page.getByTestId("list-name")
  await name.fill("reject me")
  await name.press("Enter")
  await a.page.getByRole("button", { name: "Dismiss" }).press("Enter")
  await expect(name).toBeFocused()
  // The last row of all.
  await a.page.getByRole("link", { name: "All" }).click()
  for (const next of ["five", "six"]) {
    await a.page
      .getByRole("button", { name: /^Delete/ })
      .first()
      .press("Enter")
    await expect(box(next)).toBeFocused()
  }
  await a.page.getByRole("button", { name: "Delete six" }).press("Enter")
  await expect(a.titles).toHaveCount(0)
  await expect(a.input).toBeFocused()

  await TodoPage.open(a.page, newListUrl(server.url))
  await a.page.goto(`${server.url}/lists`)
  const remove = a.page.getByRole("button", { name: /^Remove/ })
  await remove.first().press("Enter")
  await expect(a.page.getByRole("listitem").getByRole("link")).toBeFocused()
  await remove.press("Enter")
  await expect(a.page.getByRole("button", { name: "New list" })).toBeFocused()
})
