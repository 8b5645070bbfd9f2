// @vitest-environment jsdom
import { defineMutation, defineMutator, sql } from "@lf/core"
import { act, cleanup, configure, fireEvent, render, screen, within } from "@testing-library/react"
import { afterEach, beforeEach, expect, test, vi } from "vitest"
import { z } from "zod"
import { LfProvider } from "../hooks/provider.tsx"
import { useMutation } from "../hooks/use-mutation.ts"
import { useQuery } from "../hooks/use-query.ts"
import { memoryWorker } from "../testing/memory-worker.ts"
import { replayBug } from "../testing/replay-bug.ts"
import { DevtoolsRoot } from "./devtools-root.tsx"
import { LfDevtools } from "./index.ts"

// The panel asks every 400 ms, and a busy machine is slow: what is waited for comes, or the test fails late.
configure({ asyncUtilTimeout: 10_000 })
vi.setConfig({ testTimeout: 30_000 })
afterEach(() => {
  cleanup()
  vi.unstubAllGlobals()
})

const Add = defineMutation("Add", z.string(), (tx, title) => {
  if (title === "") throw new Error("expected a title")
  tx.run(sql`insert into notes values (${tx.id()}, ${title})`)
})
const mutator = defineMutator({
  migrations: [sql`create table notes (id text primary key, title text not null) strict, without rowid`],
  mutations: [Add],
})

function Notes() {
  const notes = useQuery(sql<{ title: string }>`select title from notes`)
  const { mutate } = useMutation(Add, { onError: () => {} })
  return (
    <main>
      <button type="button" onClick={() => mutate("milk")}>
        Add
      </button>
      <button type="button" onClick={() => mutate("")}>
        Add nothing
      </button>
      {notes.data?.map(({ title }) => (
        <p key={title}>{title}</p>
      ))}
    </main>
  )
}

let panel: ReturnType<typeof within>
/** The page with the devtools, open or not. */
beforeEach(async () => {
  render(
    <>
      <LfProvider doc="d" user="ada" worker={memoryWorker({ mutator })}>
        <Notes />
      </LfProvider>
      <DevtoolsRoot />
    </>,
  )
  const root = document.querySelector("lf-devtools")?.shadowRoot?.querySelector<HTMLElement>(".root")
  if (root === null || root === undefined) throw new Error("there are no devtools")
  panel = within(root)
})

const isOpen = () => panel.queryByRole("region", { name: "lf devtools" }) !== null
const press = (init: KeyboardEventInit) => fireEvent.keyDown(window, { code: "KeyL", shiftKey: true, ...init })
const show = (view: string) => fireEvent.click(panel.getByRole("tab", { name: view }))

test("the panel is closed at first, and opened and closed by its button, the shortcut and Escape", async () => {
  expect(isOpen()).toBe(false)
  fireEvent.click(panel.getByRole("button", { name: "Open lf devtools" }))
  expect(isOpen()).toBe(true)
  fireEvent.keyDown(panel.getByRole("region"), { key: "Escape" })
  expect(isOpen()).toBe(false)
  press({ metaKey: true })
  expect(isOpen()).toBe(true)
  press({ ctrlKey: true })
  expect(isOpen()).toBe(false)
  for (const other of [{ shiftKey: false, ctrlKey: true }, {}, { code: "KeyM", ctrlKey: true }]) press(other)
  expect(isOpen()).toBe(false)
})

test("what had the focus gets it back, and without that the button", () => {
  const add = screen.getByText("Add")
  add.focus()
  press({ ctrlKey: true })
  expect(document.activeElement?.localName).toBe("lf-devtools")
  press({ ctrlKey: true })
  expect(document.activeElement).toBe(add)
  add.blur()
  press({ ctrlKey: true })
  fireEvent.click(panel.getByRole("button", { name: "Close lf devtools" }))
  const { activeElement } = document.querySelector("lf-devtools")?.shadowRoot ?? {}
  expect(activeElement?.getAttribute("aria-label")).toBe("Open lf devtools")
})

test("views are chosen by the arrow keys as well", () => {
  press({ ctrlKey: true })
  const chosen = () => panel.getByRole("tab", { selected: true })
  fireEvent.keyDown(chosen(), { key: "ArrowRight" })
  expect(chosen().textContent).toBe("Tables")
  fireEvent.keyDown(chosen(), { key: "ArrowLeft" })
  fireEvent.keyDown(chosen(), { key: "ArrowLeft" })
  expect(chosen().textContent).toBe("Bug")
})

test("documents, queries with their reason, mutations and the connection are shown as they change", async () => {
  press({ ctrlKey: true })
  const card = await panel.findByRole("article", { name: "Document d" })
  expect(card.textContent).toContain("ada")
  show("Queries")
  await panel.findByText(/select title from notes/)
  fireEvent.click(screen.getByText("Add"))
  await panel.findByText(/table notes changed \(1 page\)/)
  expect(panel.getByText(/1 tab, 1 component here/)).toBeTruthy()
  fireEvent.click(screen.getByText("Add nothing"))
  show("Mutations")
  await panel.findByText("threw")
  expect(panel.getByText("pending")).toBeTruthy()
  expect(panel.getByText(/expected a title/, { selector: "pre" })).toBeTruthy()
  show("Connection")
  expect(await panel.findByText(/tests have no server/)).toBeTruthy()
})

test("tables are shown with their rows, and SQL that reads runs, with its errors", async () => {
  press({ ctrlKey: true })
  fireEvent.click(screen.getByText("Add"))
  await screen.findByText("milk")
  await panel.findByRole("article")
  show("Tables")
  fireEvent.click(await panel.findByRole("button", { name: /^notes/ }))
  const rows = await panel.findByRole("table", { name: "Rows of notes" })
  expect(within(rows).getByText("milk")).toBeTruthy()
  const box = panel.getByRole("textbox", { name: "SQL" })
  fireEvent.change(box, { target: { value: "select upper(title) u from notes" } })
  fireEvent.keyDown(box, { key: "Enter", ctrlKey: true })
  expect(await panel.findByText("MILK")).toBeTruthy()
  fireEvent.change(box, { target: { value: "delete from notes" } })
  fireEvent.click(panel.getByRole("button", { name: "Run" }))
  expect(await panel.findByText("SQL_DENIED")).toBeTruthy()
})

test("a bug is saved only after its contents were agreed to, and can be replayed", async () => {
  const saved: Blob[] = []
  vi.stubGlobal("URL", { createObjectURL: (blob: Blob) => `blob:${saved.push(blob)}`, revokeObjectURL: () => {} })
  vi.spyOn(HTMLAnchorElement.prototype, "click").mockImplementation(() => {})
  press({ ctrlKey: true })
  fireEvent.click(screen.getByText("Add"))
  await panel.findByRole("article")
  show("Bug")
  const save = (await panel.findByRole("button", { name: "Save the file" })) as HTMLButtonElement
  expect(save.disabled).toBe(true)
  expect(panel.getByText(/every row of this document/)).toBeTruthy()
  fireEvent.click(panel.getByRole("checkbox"))
  fireEvent.click(save)
  await panel.findByRole("status")
  const text = await new Promise<string>((resolve) => {
    const reader = new FileReader()
    reader.onload = () => resolve(String(reader.result))
    reader.readAsText(saved[0])
  })
  await using bug = await replayBug(text, { mutator })
  expect(await bug.query(sql`select title from notes`)).toEqual([{ title: "milk" }])
})

test("the entry is nothing outside of development", async () => {
  cleanup()
  const { container } = render(<LfDevtools />)
  await act(async () => {})
  expect([container.innerHTML, document.querySelector("lf-devtools")]).toEqual(["", null])
})
