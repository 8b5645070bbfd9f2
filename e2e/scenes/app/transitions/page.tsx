"use client"
// Rows that another browser moves: shown as they come, deferred, and deferred where they take a second to render.
import { LfProvider, newId, sql, useMutation, useQuery } from "@lf/react"
import { memo, useDeferredValue, useLayoutEffect, useMemo, useState, ViewTransition } from "react"
import { connectWorker } from "../lf/connect"
import { AddTodo, RenameTodo } from "../lf/todo-mutations"

interface Row {
  readonly id: string
  readonly title: string
}

const byTitle = sql<Row>`select id, title from todos order by title`
const none: readonly Row[] = []
const lists = { plain: Plain, deferred: Deferred, long: Long }
const names = ["plain", "deferred", "long"] as const
/** Each row in a view transition is captured, also off screen: many of them stop the page. */
const animatedRowsMax = 50
const longCopies = 80
const longRowMs = 4

export default function Page() {
  const [shown, show] = useState<(typeof names)[number]>("deferred")
  const List = lists[shown]
  return (
    <LfProvider doc="transitions" worker={connectWorker}>
      {names.map((name) => (
        <button key={name} type="button" onClick={() => show(name)}>
          {name}
        </button>
      ))}
      <Change />
      <Search />
      <List />
    </LfProvider>
  )
}

function Change() {
  const { data, isPending } = useQuery(byTitle)
  const rows = data ?? none
  const add = useMutation(AddTodo)
  const rename = useMutation(RenameTodo)
  // The first goes to the end.
  const move = () => rename.mutate({ id: rows[0].id, title: `${rows[rows.length - 1].title}x` })
  return (
    <>
      <button type="button" onClick={() => add.mutate({ id: newId(), title: `row ${rows.length}` })}>
        add
      </button>
      <button type="button" onClick={move}>
        move
      </button>
      <output data-testid="newest">{isPending ? "waiting" : rows.map(({ title }) => title).join()}</output>
    </>
  )
}

function Search() {
  const [text, setText] = useState("")
  useLayoutEffect(() => note(`key ${text}`), [text])
  return <input aria-label="Search" value={text} onChange={(event) => setText(event.target.value)} />
}

function Plain() {
  return <List rows={useQuery(byTitle).data ?? none} />
}

function Deferred() {
  return <List rows={useDeferredValue(useQuery(byTitle).data ?? none)} />
}

function Long() {
  const rows = useDeferredValue(useQuery(byTitle).data ?? none)
  return <List rows={useMemo(() => repeat(rows), [rows])} rowMs={longRowMs} />
}

// Memoized: the first render after a change still has the old rows, and must not take the time of new ones.
const List = memo(function List({ rows, rowMs = 0 }: { rows: readonly Row[]; rowMs?: number }) {
  const last = rows.at(-1)?.title
  note(`rendering ${last}`)
  useLayoutEffect(() => note(`shown ${last}`), [last])
  return rows.map(({ id, title }) => (
    <ViewTransition key={id} default={rows.length > animatedRowsMax ? "none" : "auto"}>
      <Item title={title} ms={rowMs} />
    </ViewTransition>
  ))
})

function Item({ title, ms }: { title: string; ms: number }) {
  const startMs = performance.now()
  while (performance.now() - startMs < ms);
  return <p data-testid="row">{title}</p>
}

function repeat(rows: readonly Row[]): readonly Row[] {
  const copies = Array.from({ length: longCopies }, (_, copy) =>
    rows.map((row) => ({ ...row, id: `${row.id}/${copy}` })),
  )
  return copies.flat()
}

/** For the test: what happened, in order. */
function note(what: string): void {
  if ("noted" in globalThis) (globalThis as unknown as { noted: string[] }).noted.push(what)
}
