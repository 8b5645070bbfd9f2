// @vitest-environment jsdom
import { defineMutation, defineMutator, type Sql, sql } from "@lf/core"
import { act, cleanup, render, waitFor } from "@testing-library/react"
import { afterEach, expect, test } from "vitest"
import { z } from "zod"
import type { QueryRuns } from "../rpc/query-runs.ts"
import { testServer } from "../testing/index.ts"
import { LfProvider } from "./provider.tsx"
import { useMutation } from "./use-mutation.ts"
import { useQuery } from "./use-query.ts"
import { useQueryRuns } from "./use-query-runs.ts"

const AddTodo = defineMutation("AddTodo", z.object({ id: z.number() }), (tx, { id }) => {
  tx.run(sql`insert into todos values (${id})`)
})
const AddNote = defineMutation("AddNote", z.object({ id: z.number() }), (tx, { id }) => {
  tx.run(sql`insert into notes values (${id})`)
})
const mutator = defineMutator({
  migrations: [
    sql`create table todos (id integer primary key) strict`,
    sql`create table notes (id integer primary key) strict`,
  ],
  mutations: [AddTodo, AddNote],
})
const todosQuery = sql<{ id: number }>`select id from todos`

afterEach(cleanup)

/** What one client of the document has seen. */
class Seen {
  runs: QueryRuns | null = null
  lateRuns: QueryRuns | null = null
  rows: readonly unknown[] | undefined
  add: (id: number) => void = () => {}
  note: (id: number) => void = () => {}
}

function Client({ query, seen }: { query: Sql<{ id: number }>; seen: Seen }) {
  seen.runs = useQueryRuns(query)
  seen.rows = useQuery(query).data
  seen.lateRuns = useQueryRuns(query)
  const add = useMutation(AddTodo)
  const note = useMutation(AddNote)
  seen.add = (id) => add.mutate({ id })
  seen.note = (id) => note.mutate({ id })
  return null
}

test("a run has its time, pages and reason; a change of other pages is counted, and runs nothing", async () => {
  await using server = await testServer({ mutator })
  const [here, there] = [new Seen(), new Seen()]
  for (const seen of [here, there]) {
    render(
      <LfProvider doc="d" worker={server.client().worker}>
        <Client query={todosQuery} seen={seen} />
      </LfProvider>,
    )
  }
  await waitFor(() => expect(here.runs).toMatchObject({ runs: 1, reason: { type: "first" }, lastChange: null }))
  await waitFor(() => expect(there.rows).toEqual([]))
  expect(here.runs?.ms).toBeGreaterThanOrEqual(0)
  expect(here.runs?.pagesRead).toBeGreaterThan(0)

  act(() => here.add(1))
  const sources = [{ table: "todos", index: null, pages: 1 }]
  await waitFor(() => expect(here.runs?.reason).toEqual({ type: "changed", mutation: "AddTodo", sources }))
  await waitFor(() => expect(there.runs?.reason).toEqual({ type: "changed", mutation: null, sources }))
  expect(there.runs?.lastChange).toMatchObject({ mutation: null, isRead: true })

  const before = there.runs
  act(() => here.note(1))
  await waitFor(() => expect(here.runs?.lastChange).toMatchObject({ isRead: false }))
  await waitFor(() => expect(there.runs?.skipped).toBeGreaterThan(before?.skipped ?? 0))
  expect(there.runs).toMatchObject({ runs: before?.runs, lastChange: { mutation: null, isRead: false } })
  expect(here.rows).toEqual([{ id: 1 }])
  expect(here.lateRuns?.runs).toBe(here.runs?.runs)
})

test("another query begins anew; one that fails has a time and runs again after the next change", async () => {
  await using server = await testServer({ mutator })
  const { worker } = server.client()
  const seen = new Seen()
  const page = (query: Sql<{ id: number }>) => (
    <LfProvider doc="d" worker={worker}>
      <Client query={query} seen={seen} />
    </LfProvider>
  )
  const { rerender } = render(page(todosQuery))
  await waitFor(() => expect(seen.runs).not.toBeNull())
  rerender(page(sql`select nothing from todos`))
  expect(seen.runs).toBeNull()
  await waitFor(() => expect(seen.runs).toMatchObject({ reason: { type: "first" } }))
  act(() => seen.note(1))
  await waitFor(() => expect(seen.runs).toMatchObject({ reason: { type: "failed" }, lastChange: { isRead: true } }))
})
