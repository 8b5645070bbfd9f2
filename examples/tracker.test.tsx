// @vitest-environment jsdom
// The tracker's own components with 5,000 issues and two users: search, filters, the board's moves, comments, undo, rights.
import { sql } from "@lf/core"
import { LfProvider } from "@lf/react"
import { type TestClient, type TestServer, testServer } from "@lf/react/testing"
import { act, cleanup, fireEvent, render, screen, waitFor, within } from "@testing-library/react"
import { useCallback, useState } from "react"
import { afterEach, expect, test, vi } from "vitest"
import { noFilter } from "./tracker/app/issues/queries"
import { Tracker } from "./tracker/app/issues/tracker"
import type { Place } from "./tracker/app/issues/use-address"
import { mutator, Seed } from "./tracker/app/lf/mutators"
import { seededCount } from "./tracker/app/lf/seed"

vi.mock("./tracker/app/account/actions", () => ({ signOut: async () => {} }))
// Both users are in one window here: each has an address of its own.
vi.mock("./tracker/app/issues/use-address", () => ({
  useAddress() {
    const [place, setPlace] = useState<Place>({ view: "list", filter: noFilter, open: null })
    return [place, useCallback((next: Partial<Place>) => setPlace((before) => ({ ...before, ...next })), [])]
  },
}))
Element.prototype.scrollIntoView = () => {}
afterEach(cleanup)

async function seeded(count: number): Promise<TestServer> {
  const server = await testServer({ mutator })
  for (let from = 0; from < count; from += 500) {
    await server.document("t").mutate(Seed, { from, count: Math.min(500, count - from) })
  }
  return server
}

function open(client: TestClient, name: string) {
  const { container } = render(
    <LfProvider doc="t" user={client.user} worker={client.worker}>
      <Tracker user={{ id: client.user ?? "", name }} />
    </LfProvider>,
  )
  return { container, ...within(container) }
}

const wait = { timeout: 10_000 }

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
  fireEvent.click(ada.getByText("Clear"))
  fireEvent.change(ada.getAllByLabelText("Status")[0] as Element, { target: { value: "done" } })
  fireEvent.change(ada.getAllByLabelText("Label")[0] as Element, { target: { value: "security" } })
  await count(
    await expected("status = 'done' and exists (select 1 from issue_labels where issue = i.id and label = 'security')"),
  )
})

test("an issue with another's comment is marked until it is opened, on all devices of the user", async () => {
  await using server = await seeded(3)
  const [first, second, bob] = [
    open(server.client({ user: "ada" }), "Ada"),
    open(server.client({ user: "ada" }), "Ada"),
    open(server.client({ user: "bob" }), "Bob"),
  ]
  for (const one of [first, second, bob]) await one.findByText("3 issues", undefined, wait)
  const comment = async (text: string) => {
    fireEvent.change(bob.getByLabelText("New comment"), { target: { value: text } })
    fireEvent.submit(bob.getByLabelText("New comment"))
    await bob.findByText(text)
  }
  fireEvent.click(bob.container.querySelector(".issue-row") as Element)
  await bob.findByLabelText("New comment", undefined, wait)
  await comment("One")
  const dots = (count: number) =>
    waitFor(
      () =>
        expect([first, second].map((one) => one.queryAllByLabelText("New comments").length)).toEqual([count, count]),
      wait,
    )
  await dots(1)
  expect(bob.queryAllByLabelText("New comments")).toEqual([])
  fireEvent.click(first.getByLabelText("New comments"))
  await dots(0)
  fireEvent.click(first.getByLabelText("Close"))
  await comment("Two")
  await dots(1)
  fireEvent.click(second.getByLabelText("New comments"))
  await dots(0)
})

test("two users: a new issue, its title found by both, a label, a comment, a move, and undo", async () => {
  await using server = await seeded(10)
  const ada = open(server.client({ user: "ada" }), "Ada")
  const bob = open(server.client({ user: "bob" }), "Bob")
  await ada.findByText("10 issues")
  fireEvent.click(ada.getByText("New issue", { selector: "button" }))
  const title = (await ada.findByLabelText("Title")) as HTMLInputElement
  expect([title.ownerDocument.activeElement === title, title.selectionEnd]).toEqual([true, "New issue".length])
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
