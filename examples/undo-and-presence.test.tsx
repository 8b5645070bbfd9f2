// @vitest-environment jsdom
// An undo button with its keys, and who edits what: the recipes of docs/undo-and-presence.md, with two users.
import {
  defineMutation,
  defineMutator,
  LfProvider,
  sql,
  undoLog,
  useField,
  useMutation,
  usePresence,
  useQuery,
  useUndo,
} from "@lf/react"
import { type TestClient, testServer } from "@lf/react/testing"
import { act, cleanup, fireEvent, render, screen, within } from "@testing-library/react"
import { useEffect, useState } from "react"
import { afterEach, expect, test } from "vitest"
import { z } from "zod"

interface Todo {
  readonly id: string
  readonly title: string
}

const args = z.object({ id: z.string(), title: z.string() })
const AddTodo = defineMutation("AddTodo", args, (tx, { id, title }) => {
  tx.run(sql`insert into todos (id, title) values (${id}, ${title})`)
})
const RenameTodo = defineMutation("RenameTodo", args, (tx, { id, title }) => {
  tx.run(sql`update todos set title = ${title} where id = ${id}`)
})
const mutator = defineMutator({
  migrations: [sql`create table todos (id text primary key, title text not null) strict`, undoLog],
  mutations: [AddTodo, RenameTodo],
})

const isText = (target: EventTarget | null) =>
  target instanceof HTMLElement &&
  (target.isContentEditable ||
    target.matches("textarea, select, input:not([type=checkbox], [type=radio], [type=button])"))

/** Undo and redo on Ctrl+Z, Ctrl+Shift+Z and Ctrl+Y (with the command key on a Mac), outside of inputs. */
function useUndoKeys({ undo, redo }: { undo: () => void; redo: () => void }) {
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const key = event.key.toLowerCase()
      const isMeant = (event.ctrlKey || event.metaKey) && !event.altKey && (key === "z" || key === "y")
      if (!isMeant || event.defaultPrevented || isText(event.target)) return
      event.preventDefault()
      if (key === "y" || event.shiftKey) redo()
      else undo()
    }
    window.addEventListener("keydown", onKey)
    return () => window.removeEventListener("keydown", onKey)
  }, [undo, redo])
}

function UndoButton() {
  const { undo, redo, canUndo } = useUndo()
  const [problem, setProblem] = useState("")
  async function run(step: typeof undo) {
    const outcome = await step()
    setProblem(outcome.type === "rejected" ? outcome.code : "")
  }
  useUndoKeys({ undo: () => void run(undo), redo: () => void run(redo) })
  return (
    <>
      <button type="button" disabled={!canUndo} onClick={() => run(undo)}>
        Undo
      </button>
      {problem !== "" && <p role="alert">{problem}</p>}
    </>
  )
}

function List({ name }: { name: string }) {
  const [editing, setEditing] = useState<string | null>(null)
  const { others } = usePresence<{ name: string; editing: string | null }>({ name, editing })
  const todos = useQuery(sql<Todo>`select id, title from todos order by id`)
  const add = useMutation(AddTodo)
  const editorsOf = (id: string) => others.filter(({ value }) => value.editing === id).map(({ value }) => value.name)
  return (
    <section aria-label={name}>
      <button type="button" onClick={() => add.mutate({ id: "1", title: "Bread" })}>
        Add
      </button>
      <UndoButton />
      <p>{others.map(({ value }) => value.name).join(", ")}</p>
      {todos.data?.map((todo) => (
        <Row
          key={todo.id}
          todo={todo}
          editors={editorsOf(todo.id).join(", ")}
          onEdit={(isHere) => setEditing(isHere ? todo.id : null)}
        />
      ))}
    </section>
  )
}

function Row(props: { todo: Todo; editors: string; onEdit: (isHere: boolean) => void }) {
  const { todo, editors, onEdit } = props
  const rename = useMutation(RenameTodo)
  const title = useField(todo.title, (title) => rename.mutate({ id: todo.id, title }))
  return (
    <p onFocus={() => onEdit(true)} onBlur={() => onEdit(false)}>
      <input {...title.input} aria-label="Title" />
      {editors !== "" && <em>{editors} is editing</em>}
    </p>
  )
}

function open(client: TestClient, name: string) {
  render(
    <LfProvider doc="d" user={client.user} worker={client.worker}>
      <List name={name} />
    </LfProvider>,
  )
  return within(screen.getByRole("region", { name }))
}

afterEach(cleanup)

test("Ctrl+Z undoes the tab's last mutation, and belongs to an input that has the focus", async () => {
  await using server = await testServer({ mutator })
  const ada = open(server.client({ user: "ada" }), "Ada")
  fireEvent.click(ada.getByText("Add"))
  const input = await ada.findByLabelText("Title")
  await act(() => server.settled())
  fireEvent.keyDown(input, { key: "z", ctrlKey: true })
  await act(() => server.settled())
  expect(ada.queryAllByLabelText("Title")).toHaveLength(1)
  fireEvent.keyDown(document.body, { key: "z", ctrlKey: true })
  await act(() => server.settled())
  expect(ada.queryAllByLabelText("Title")).toHaveLength(0)
  fireEvent.keyDown(document.body, { key: "z", ctrlKey: true, shiftKey: true })
  await ada.findByLabelText("Title")
})

test("others see who is here, and who edits which row", async () => {
  await using server = await testServer({ mutator })
  const ada = open(server.client({ user: "ada" }), "Ada")
  const bob = open(server.client({ user: "bob" }), "Bob")
  fireEvent.click(ada.getByText("Add"))
  const input = await bob.findByLabelText("Title")
  await ada.findByText("Bob")
  fireEvent.focus(input)
  await ada.findByText("Bob is editing")
  fireEvent.blur(input)
  await act(() => server.settled())
  await expect.poll(() => ada.queryByText("Bob is editing")).toBeNull()
})
