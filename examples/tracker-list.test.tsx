// @vitest-environment jsdom
// What a user of the tracker sees while rows, filters and issues come and go: rows keep their places, the focus is not lost.
import { act, cleanup, fireEvent, screen, waitFor } from "@testing-library/react"
import { afterEach, expect, test, vi } from "vitest"
import { join, open, seeded, wait } from "./testing/tracker-scene"
import { holdOrder } from "./tracker/app/issues/held-order"
import { AddIssue, SetStatus, SetTitle } from "./tracker/app/lf/mutators"

vi.mock("./tracker/app/account/actions", () => ({ signOut: async () => {} }))
Element.prototype.scrollIntoView = () => {}
afterEach(cleanup)

test("rows stay in their places while others change them, until the user asks for the new order", async () => {
  await using server = await seeded(10)
  await join(server, "Ada", "Bob")
  const [ada, bob] = [open(server.client({ user: "ada" }), "Ada"), server.document("t", { as: { id: "bob" } })]
  const numbers = () => [...document.querySelectorAll(".issue-row .number")].map((one) => Number(one.textContent))
  await ada.findByText("10 issues", undefined, wait)
  await act(() => server.settled())
  const before = [10, 9, 8, 7, 6, 5, 4, 3, 2, 1]
  expect(numbers()).toEqual(before)
  await act(() => bob.mutate(SetTitle, { id: "seed-3", title: "Said by Bob" }))
  await act(() => bob.mutate(AddIssue, { id: "of-bob", title: "Made by Bob", status: "todo" }))
  await ada.findByText("Said by Bob", undefined, wait)
  const news = await ada.findByText("2 updated", undefined, wait)
  expect(numbers()).toEqual(before)
  // One's own change needs no news of it: the next issue stays the next one.
  fireEvent.click(ada.getByText("9", { selector: ".number" }))
  await ada.findByLabelText("Title", undefined, wait)
  fireEvent.change(ada.getAllByLabelText("Status")[1] as Element, { target: { value: "done" } })
  await act(() => server.settled())
  fireEvent.keyDown(window, { key: "j" })
  await waitFor(() => expect(document.querySelector("[aria-current] .number")?.textContent).toBe("8"), wait)
  expect(numbers()).toEqual(before)
  expect(news.textContent).toBe("2 updated")
  news.focus()
  fireEvent.click(news)
  await waitFor(() => expect(numbers().slice(0, 4)).toEqual([9, 11, 4, 10]), wait)
  expect(ada.queryByText(/updated/)).toBeNull()
  expect(document.activeElement?.textContent).toContain("9")
  // A new issue of one's own is shown at once.
  await act(() => bob.mutate(SetTitle, { id: "seed-0", title: "Again" }))
  await ada.findByText("1 updated", undefined, wait)
  fireEvent.click(ada.getByText("New issue", { selector: "button" }))
  await waitFor(() => expect(numbers().slice(0, 3)).toEqual([12, 1, 9]), wait)
})

test("cards keep their places in a column; one that arrives is its first, and one's own with it", async () => {
  await using server = await seeded(40)
  await join(server, "Ada", "Bob")
  const [ada, bob] = [
    open(server.client({ user: "ada" }), "Ada", "?view=board"),
    server.document("t", { as: { id: "bob" } }),
  ]
  const cards = (status: string) =>
    [...document.querySelectorAll<HTMLElement>(`[data-column=${status}] [data-card]`)].map((card) => card.dataset.card)
  await ada.findByText("40 issues", undefined, wait)
  await act(() => server.settled())
  await waitFor(() => expect(document.querySelectorAll("[data-card]")).toHaveLength(40), wait)
  const [doing, done] = [cards("doing"), cards("done")]
  await act(() => bob.mutate(SetTitle, { id: doing[2] ?? "", title: "Said by Bob" }))
  await ada.findByText("Said by Bob", undefined, wait)
  expect(cards("doing")).toEqual(doing)
  await act(() => bob.mutate(SetStatus, { id: done[0] ?? "", status: "doing" }))
  await waitFor(() => expect(cards("doing")).toEqual([done[0], ...doing]), wait)
  fireEvent.keyDown(document.getElementById(`issue-${done[1]}`) as Element, { key: "<" })
  await waitFor(() => expect(cards("doing")).toEqual([done[1], done[0], ...doing]), wait)
  await waitFor(() => expect(cards("done")).toEqual(done.slice(2)), wait)
})

test("rows that left and come back, that follow the last one, or that arrive above others", () => {
  const rowsOf = (ids: string) => [...ids].map((id) => ({ id }))
  const held = (ids: string, rows: string) => {
    const { kept, fresh, moved } = holdOrder([...ids], rowsOf(rows))
    return [kept, fresh, moved].map((some) => some.map(({ id }) => id).join(""))
  }
  expect(held("abc", "abc")).toEqual(["abc", "", ""])
  expect(held("abc", "cab")).toEqual(["abc", "", "c"])
  expect(held("abc", "xab")).toEqual(["ab", "x", "x"])
  expect(held("abc", "xcab")).toEqual(["abc", "x", "xc"])
  expect(held("abc", "acd")).toEqual(["acd", "", ""])
  expect(held("abc", "ac")).toEqual(["ac", "", ""])
  expect(held("abc", "xy")).toEqual(["xy", "", ""])
  expect(held("", "xy")).toEqual(["xy", "", ""])
})

test("a new issue that was given nothing is gone when it is left, and takes nothing else with it", async () => {
  await using server = await seeded(5)
  await join(server, "Ada")
  const ada = open(server.client({ user: "ada" }), "Ada")
  const add = () => fireEvent.click(ada.getByText("New issue", { selector: "button" }))
  const count = (text: string) => waitFor(() => expect(ada.getByTestId("count").textContent).toBe(text), wait)
  await count("5 issues")
  // Twice: the first one is left for the second one.
  add()
  await ada.findByLabelText("Title", undefined, wait)
  await count("6 issues")
  add()
  await act(() => server.settled())
  await count("6 issues")
  fireEvent.click(ada.getByLabelText("Close"))
  await count("5 issues")
  expect(document.activeElement?.id).toBe("issues")
  // What is typed is kept, also when it is closed at once.
  add()
  const title = await ada.findByLabelText("Title", undefined, wait)
  fireEvent.change(title, { target: { value: "Kept" } })
  fireEvent.keyDown(title, { key: "Escape" })
  await ada.findByText("Kept", undefined, wait)
  await waitFor(() => expect(document.activeElement?.textContent).toContain("Kept"), wait)
  add()
  await ada.findByLabelText("Title", undefined, wait)
  fireEvent.click(ada.getByText("bug", { selector: "fieldset button" }))
  await waitFor(() => expect(ada.getByText("bug", { selector: "fieldset button" }).ariaPressed).toBe("true"), wait)
  fireEvent.click(ada.getByLabelText("Close"))
  await act(() => server.settled())
  await count("7 issues")
  expect(screen.queryAllByRole("alert")).toEqual([])
})

test("rows are shown until others are here: more of them, or those of another filter", async () => {
  await using server = await seeded(150)
  const ada = open(server.client({ user: "ada" }), "Ada")
  await ada.findByText("150 issues", undefined, wait)
  const rows = () => document.querySelectorAll(".issue-row").length
  let fewest = 100
  const watcher = new MutationObserver(() => {
    fewest = Math.min(fewest, rows())
  })
  watcher.observe(document.body, { childList: true, subtree: true })
  const more = ada.getByText("Show more")
  more.focus()
  fireEvent.click(more)
  await waitFor(() => expect(rows()).toBe(150), wait)
  expect(document.activeElement?.querySelector(".number")?.textContent).toBe("50")
  expect(ada.queryByText("Show more")).toBeNull()
  fireEvent.change(ada.getByLabelText("Search"), { target: { value: "and" } })
  await waitFor(() => expect(rows()).toBeLessThan(100), wait)
  watcher.disconnect()
  expect(fewest).toBeGreaterThan(10)
})

test("the focus is kept where a control does its last: undo, and clearing the filters by a key", async () => {
  await using server = await seeded(5)
  await join(server, "Ada")
  const ada = open(server.client({ user: "ada" }), "Ada", "?status=todo&issue=seed-1")
  const label = await ada.findByText("bug", { selector: "fieldset button" }, wait)
  fireEvent.click(label)
  const undo = ada.getByLabelText("Undo")
  await waitFor(() => expect(undo.ariaDisabled).toBe("false"), wait)
  undo.focus()
  fireEvent.click(undo)
  await waitFor(() => expect(undo.ariaDisabled).toBe("true"), wait)
  expect([document.activeElement, undo.hasAttribute("disabled")]).toEqual([undo, false])
  const clear = ada.getByText("Clear")
  clear.focus()
  fireEvent.click(clear)
  expect(document.activeElement).toBe(ada.getByLabelText("Search"))
})
