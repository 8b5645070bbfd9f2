// @vitest-environment jsdom
// The tracker's own components with 5,000 issues and two users: search, filters, the board's moves, comments, undo, rights.
import { LfError, sql } from "@lf/core"
import { act, cleanup, fireEvent, screen, waitFor, within } from "@testing-library/react"
import { afterEach, expect, test, vi } from "vitest"
import { join, open, seeded, wait } from "./testing/tracker-scene"
import { userNamed } from "./tracker/app/account/session"
import { isSameEntry, type Place, placeOf, searchOf } from "./tracker/app/issues/address"
import { refusalsOf } from "./tracker/app/issues/refusals"
import { sayError, sayRefusal } from "./tracker/app/issues/words"
import { AddIssue, SetTitle } from "./tracker/app/lf/mutators"
import { seededCount } from "./tracker/app/lf/seed"

vi.mock("./tracker/app/account/actions", () => ({ signOut: async () => {} }))
Element.prototype.scrollIntoView = () => {}
afterEach(cleanup)

test("5,000 issues are searched, filtered and counted", async () => {
  await using server = await seeded(seededCount)
  const ada = open(server.client({ user: "ada" }), "Ada")
  const count = async (text: string) => waitFor(() => expect(ada.getByTestId("count").textContent).toBe(text), wait)
  await count("5,000 issues")
  const expected = async (condition: string) => {
    const where = { sql: `select count(*) as n from issues i where ${condition}`, parameters: [] }
    const [row] = await server.document("t").query<{ n: number }>(where)
    return `${row?.n.toLocaleString("en")} issues`
  }
  fireEvent.change(ada.getByLabelText("Search"), { target: { value: "und saf" } })
  await count(await expected("' ' || title || ' ' || body like '% und%' and ' ' || title || ' ' || body like '% saf%'"))
  fireEvent.change(ada.getByLabelText("Search"), { target: { value: 'near( "' } })
  await count(await expected("0"))
  // The number that a row shows, also as it is often written; signs alone are in no text.
  for (const number of ["4998", "#4998", " 4998 "]) {
    fireEvent.change(ada.getByLabelText("Search"), { target: { value: number } })
    await count("1 issue")
  }
  for (const [text, found] of [
    ["!!!", "0 issues"],
    ["   ", "5,000 issues"],
  ] as const) {
    fireEvent.change(ada.getByLabelText("Search"), { target: { value: text } })
    await count(found)
  }
  fireEvent.click(ada.getByText("Clear"))
  fireEvent.change(ada.getAllByLabelText("Status")[0] as Element, { target: { value: "done" } })
  fireEvent.change(ada.getAllByLabelText("Label")[0] as Element, { target: { value: "security" } })
  await count(
    await expected("status = 'done' and exists (select 1 from issue_labels where issue = i.id and label = 'security')"),
  )
})

test("what has not arrived yet is not called gone, and not counted", async () => {
  await using server = await seeded(10)
  const client = server.client({ user: "ada" })
  client.cut()
  const ada = open(client, "Ada", "?issue=seed-9&text=safari")
  const untrue = /gone:|No issue|\d issues?/
  await ada.findByText(/The issues are not on this device yet/, undefined, wait)
  await ada.findByText(/This issue is not on this device/, undefined, wait)
  expect(ada.queryAllByText(untrue)).toEqual([])
  fireEvent.click(ada.getByText("Board"))
  expect(ada.queryAllByText(untrue)).toEqual([])
  // Who has joined has not arrived either: an issue that is made now would be refused.
  fireEvent.keyDown(window, { key: "c" })
  fireEvent.click(ada.getByText("New issue", { selector: "button" }))
  await act(() => new Promise((resolve) => setTimeout(resolve, 100)))
  expect(ada.queryAllByRole("alert")).toEqual([])
  await ada.findByText(/This issue is not on this device/)
  client.heal()
  await ada.findByLabelText("Title", undefined, wait)
  expect(ada.queryByText(/not on this device/)).toBeNull()
  const other = open(client, "Ada", "?issue=nothere")
  await other.findByText(/This issue is gone/, undefined, wait)
})

test("signs, emoji and parts of a text without spaces are found as they are written", async () => {
  await using server = await seeded(5)
  await join(server, "Ada")
  const tracker = server.document("t", { as: { id: "ada" } })
  const titles = ["全文検索が壊れている", "🚀 launch day", "C++ crash in foo_bar", "C sharp, 100 % of it", "สวัสดีชาวโลก"]
  for (const [i, title] of titles.entries()) await tracker.mutate(AddIssue, { id: `i${i}`, title, status: "backlog" })
  const ada = open(server.client({ user: "ada" }), "Ada")
  await ada.findByText("10 issues", undefined, wait)
  for (const [text, ...found] of [
    ["検索", 0],
    ["🚀", 1],
    ["🚀 lau", 1],
    ["c++", 2],
    ["c cra", 2],
    ["%", 3],
    ["ชาวโลก", 4],
    ["🚀 crash"],
    ["\\"],
    ["c# ".repeat(200)],
  ] as const) {
    fireEvent.change(ada.getByLabelText("Search"), { target: { value: text } })
    await ada.findByText(`${found.length} ${found.length === 1 ? "issue" : "issues"}`, undefined, wait)
    for (const at of found) await ada.findByText(titles[at] as string, undefined, wait)
  }
})

test("users are here once each, without oneself, and an assignee that is unknown is dropped", async () => {
  await using server = await seeded(5)
  await join(server, "Dan", "Eve")
  const eve = server.client({ user: "eve" })
  const [one, two] = [open(eve, "Eve", "?issue=seed-1&assignee=unknown"), open(eve, "Eve", "?issue=seed-1")]
  await one.findByText("5 issues", undefined, wait)
  const dan = server.client({ user: "dan" })
  for (const _ of [1, 2]) open(dan, "Dan", "?issue=seed-1")
  for (const page of [one, two]) {
    await page.findByText("Dan is here", undefined, wait)
    const people = within(page.getByLabelText("Who is here"))
    await waitFor(() => expect(people.getAllByRole("listitem").map(({ title }) => title)).toEqual(["Eve", "Dan"]), wait)
  }
})

test("an address is the place it was made of, and unknown parts of one are left out", () => {
  const search = "?view=board&text=a+%26+b&status=todo&label=bug&assignee=ada&issue=seed-1"
  expect(searchOf(placeOf(search))).toBe(search)
  expect(searchOf(placeOf("?view=list&status=eaten&label=&issue=&utm=1"))).toBe("")
  const [all, one, two] = ["", "?issue=1&text=a", "?issue=2&text=ab"].map(placeOf) as [Place, Place, Place]
  expect([isSameEntry(all, one), isSameEntry(one, all), isSameEntry(one, two)]).toEqual([false, false, true])
})

test("what others changed since a user saw it is unread until it is opened, on all of that user's devices", async () => {
  await using server = await seeded(10)
  await join(server, "Ann")
  const before = open(server.client({ user: "ann" }), "Ann")
  await before.findByText("10 issues", undefined, wait)
  fireEvent.click(before.getByText("New issue", { selector: "button" }))
  await before.findByLabelText("Title", undefined, wait)
  await act(() => server.settled())
  await join(server, "Bob", "Cy")
  const bob = open(server.client({ user: "bob" }), "Bob")
  const [one, two] = [1, 2].map(() => open(server.client({ user: "cy" }), "Cy"))
  await waitFor(() => expect(bob.getByText("11 issues")), wait)
  await act(() => server.settled())
  // What was there before, and what one does oneself, is no news.
  for (const page of [before, bob, one, two]) expect(page.queryAllByLabelText("Unread")).toEqual([])
  fireEvent.click(bob.getByText("10", { selector: ".number" }))
  fireEvent.change(await bob.findByLabelText("New comment", undefined, wait), { target: { value: "News" } })
  fireEvent.submit(bob.getByLabelText("New comment"))
  for (const page of [before, one, two]) {
    await waitFor(() => expect(page.getAllByLabelText("Unread")).toHaveLength(1), wait)
  }
  fireEvent.click(one.getByText("10", { selector: ".number" }))
  for (const page of [one, two]) await waitFor(() => expect(page.queryAllByLabelText("Unread")).toEqual([]), wait)
  expect(before.getAllByLabelText("Unread")).toHaveLength(1)
  expect(bob.queryAllByLabelText("Unread")).toEqual([])
  // What comes while it is open is seen as well.
  fireEvent.change(bob.getByLabelText("New comment"), { target: { value: "More" } })
  fireEvent.submit(bob.getByLabelText("New comment"))
  await one.findByText("More", undefined, wait)
  await act(() => server.settled())
  for (const page of [one, two]) await waitFor(() => expect(page.queryAllByLabelText("Unread")).toEqual([]), wait)
})

test("two users: a new issue, its title found by both, a label, a comment, a move, and undo", async () => {
  await using server = await seeded(10)
  await join(server, "Ada", "Bob")
  const ada = open(server.client({ user: "ada" }), "Ada")
  const bob = open(server.client({ user: "bob" }), "Bob")
  await ada.findByText("10 issues", undefined, wait)
  fireEvent.click(ada.getByText("New issue", { selector: "button" }))
  const title = (await ada.findByLabelText("Title", undefined, wait)) as HTMLInputElement
  expect([document.activeElement, title.selectionStart, title.selectionEnd]).toEqual([title, 0, "New issue".length])
  fireEvent.change(title, { target: { value: "Quaternions turn left" } })
  await act(() => server.settled())
  fireEvent.change(bob.getByLabelText("Search"), { target: { value: "quatern" } })
  fireEvent.click(await bob.findByText("Quaternions turn left", undefined, wait))
  fireEvent.change(await bob.findByLabelText("New comment"), { target: { value: "To the right, please" } })
  fireEvent.submit(bob.getByLabelText("New comment"))
  fireEvent.click(bob.getByText("bug", { selector: "fieldset button" }))
  await ada.findByText("To the right, please", undefined, wait)
  await ada.findByText("Bob is here", undefined, wait)
  fireEvent.click(ada.getByText("Board"))
  const card = await ada.findByText("Quaternions turn left", { selector: ".card .title" }, wait)
  fireEvent.keyDown(card.closest("button") as Element, { key: ">" })
  await waitFor(() => expect((bob.getAllByLabelText("Status")[1] as HTMLSelectElement).value).toBe("todo"), wait)
  fireEvent.click(ada.getByLabelText("Undo"))
  await waitFor(() => expect((bob.getAllByLabelText("Status")[1] as HTMLSelectElement).value).toBe("backlog"), wait)
  await act(() => server.settled())
  const found = sql<{ title: string }>`select i.title from issues_text t join issues i on i.n = t.rowid
    where issues_text match ${"quaternions"}`
  expect(await server.document("t").query(found)).toEqual([{ title: "Quaternions turn left" }])
  expect(screen.queryAllByRole("alert")).toEqual([])
})

test("a comment of another user keeps no status from being undone, and its issue comes first on request", async () => {
  await using server = await seeded(10)
  await join(server, "Ada", "Bob")
  const [ada, bob] = [open(server.client({ user: "ada" }), "Ada"), open(server.client({ user: "bob" }), "Bob")]
  const status = () => ada.getAllByLabelText("Status")[1] as HTMLSelectElement
  for (const page of [ada, bob]) {
    fireEvent.click(await page.findByText("4", { selector: ".number" }, wait))
    await page.findByLabelText("New comment", undefined, wait)
  }
  const before = status().value
  fireEvent.change(status(), { target: { value: before === "doing" ? "todo" : "doing" } })
  await waitFor(() => expect(status().value).not.toBe(before), wait)
  await act(() => server.settled())
  fireEvent.change(bob.getByLabelText("New comment"), { target: { value: "By the way" } })
  fireEvent.submit(bob.getByLabelText("New comment"))
  await ada.findByText("By the way", undefined, wait)
  fireEvent.click(ada.getByLabelText("Undo"))
  await waitFor(() => expect(status().value).toBe(before), wait)
  await ada.findByText("By the way")
  await act(() => server.settled())
  expect(ada.queryAllByRole("alert")).toEqual([])
  const first = () => document.querySelector(".issue-row .number")?.textContent
  expect(first()).toBe("10")
  fireEvent.click(ada.getByText("1 updated"))
  await waitFor(() => expect(first()).toBe("4"), wait)
})

test("a name may be of any script, and names that differ have ids that differ", () => {
  const id = (name: string) => userNamed(name)?.id
  expect(["Ada", " ada  Lovelace ", "José", "Jose\u0301", "Дмитрий", "美咲"].map(id)).toEqual([
    "ada",
    "ada-lovelace",
    "josé",
    "josé",
    "дмитрий",
    "美咲",
  ])
  expect(userNamed("  Jose\u0301  Ángel ")?.name).toBe("José Ángel")
  expect(["", "   ", "!!!", "🎉", "\u0301"].map(id)).toEqual(Array(5).fill(undefined))
  expect(userNamed(`${"x".repeat(39)}𠮷𠮷`)).toEqual({ id: `${"x".repeat(39)}𠮷`, name: `${"x".repeat(39)}𠮷` })
})

test("who did not join, or writes to an issue that is gone, is refused with a code that has a sentence", async () => {
  await using server = await seeded(1)
  const mutate = async (user: string) => {
    const tracker = server.document("t", { as: { id: user } })
    const added = await tracker.mutate(AddIssue, { id: "new", title: "New", status: "backlog" })
    return [added, await tracker.mutate(SetTitle, { id: "gone", title: "Title" })]
  }
  expect(await mutate("stranger")).toMatchObject([{ code: "not-joined" }, { code: "issue-gone" }])
  await join(server, "Ann")
  expect(await mutate("ann")).toMatchObject([{ type: "applied" }, { code: "issue-gone" }])
})

test("no user reads what the database says", () => {
  const refused = (code: string) => new LfError("MUTATION_REJECTED", "for developers", { cause: { code, data: null } })
  const raw = "FOREIGN KEY constraint failed"
  const errors = [
    new LfError("SQL_ERROR", raw),
    new LfError("MUTATION_THREW", raw),
    refused("MUTATION_THREW"),
    new Error(raw),
  ]
  for (const error of errors) expect(sayError(error)).not.toMatch(/FOREIGN|developers/)
  expect(sayError(refused("issue-gone"))).toBe(sayRefusal("issue-gone"))
  const codes = ["signed-out", "not-joined", "issue-gone", "undo-conflict", "undo-gone", "undo-nothing", "undo-foreign"]
  for (const code of codes) expect(sayRefusal(code)).not.toContain(code)
})

test("a text that was written in several goes is refused once, with its end; each comment by itself", () => {
  const one = (uid: string, name: string, args: object) => ({ uid, name, args, at: 0, code: "x", data: null })
  const dismiss = async () => {}
  const refused = [
    one("1", "SetBody", { id: "i", body: "be" }),
    one("2", "AddComment", { id: "a", issue: "i", text: "first" }),
    one("3", "SetBody", { id: "i", body: "begun" }),
    one("4", "AddComment", { id: "b", issue: "i", text: "second" }),
    one("5", "SetStatus", { id: "i", status: "done" }),
    one("6", "lf.undo", { uid: "0" }),
  ].map((mutation) => ({ ...mutation, dismiss }))
  expect(refusalsOf(refused).map(({ what, text, parts }) => [what, text, parts.map(({ uid }) => uid).join()])).toEqual([
    ["Your description", "begun", "1,3"],
    ["Your comment", "first", "2"],
    ["Your comment", "second", "4"],
    ["Your change of the status", null, "5"],
    ["Your undo", null, "6"],
  ])
})
