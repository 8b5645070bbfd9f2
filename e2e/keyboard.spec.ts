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
