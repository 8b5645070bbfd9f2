// @vitest-environment jsdom
import { defineMutation, defineMutator, sql } from "@lf/core"
import { HydrationBoundary, QueryClient, QueryClientProvider } from "@tanstack/react-query"
import { act, cleanup, render, screen, waitFor } from "@testing-library/react"
import { memo, StrictMode } from "react"
import { afterEach, expect, test } from "vitest"
import { z } from "zod"
import { dehydrateRows } from "../../../next/src/documents/dehydrate.ts"
import { memoryWorker } from "../testing/index.ts"
import { LfProvider } from "./provider.tsx"
import { useDocument, usePendingMutations, useSyncStatus } from "./use-document.ts"
import { type MutationResult, useMutation } from "./use-mutation.ts"
import { useQuery } from "./use-query.ts"

interface Todo {
  readonly id: number
  readonly title: string
}

const Add = defineMutation("Add", z.object({ id: z.number(), title: z.string().min(1) }), (tx, { id, title }) => {
  tx.run(sql`insert into todos values (${id}, ${title})`)
})
const Rename = defineMutation("Rename", z.object({ id: z.number(), title: z.string() }), (tx, { id, title }) => {
  tx.run(sql`update todos set title = ${title} where id = ${id}`)
})
const mutator = defineMutator({
  migrations: [sql`create table todos (id integer primary key, title text not null) strict`],
  mutations: [Add, Rename],
})

afterEach(cleanup)

let renders: number[] = []
const Item = memo(function Item({ todo }: { todo: Todo }) {
  renders.push(todo.id)
  return <li>{todo.title}</li>
})

let add: MutationResult<{ id: number; title: string }>
let rename: MutationResult<{ id: number; title: string }>
function Todos({ min = 0 }: { min?: number }) {
  const todos = useQuery(sql<Todo>`select * from todos where id >= ${min} order by id`)
  add = useMutation(Add)
  rename = useMutation(Rename)
  const { pending } = useSyncStatus()
  if (todos.error) return <p role="alert">{todos.error.code}</p>
  return (
    <>
      <output>{pending}</output>
      <ul>
        {(todos.data ?? []).map((todo) => (
          <Item key={todo.id} todo={todo} />
        ))}
      </ul>
    </>
  )
}

function Bad() {
  const bad = useQuery(sql`delete from todos`)
  return <p>{bad.error?.code}</p>
}

let document: ReturnType<typeof useDocument> | undefined
function Inside() {
  document = useDocument()
  const pending = usePendingMutations()
  return <p>{pending.map((mutation) => mutation.name).join()}</p>
}

const titles = () => screen.queryAllByRole("listitem").map((item) => item.textContent)

test("a mutation shows at once, is durable when it resolves, and keeps its order", async () => {
  render(
    <StrictMode>
      <LfProvider doc="d" worker={memoryWorker({ mutator })}>
        <Todos />
      </LfProvider>
    </StrictMode>,
  )
  await act(async () => {
    add.mutate({ id: 1, title: "one" })
    add.mutate({ id: 2, title: "two" })
    rename.mutate({ id: 1, title: "first" })
    const receipt = await add.mutateAsync({ id: 3, title: "three" })
    expect(receipt.uid).toMatch(/^[0-9a-f-]{36}$/)
  })
  await waitFor(() => expect(titles()).toEqual(["first", "two", "three"]))
  await waitFor(() => expect(screen.getByRole("status").textContent).toBe("4"))
})

test("one toggle in many rows renders one row component", async () => {
  render(
    <LfProvider doc="d" worker={memoryWorker({ mutator })}>
      <Todos />
    </LfProvider>,
  )
  await act(async () => {
    for (let id = 1; id <= 300; id++) add.mutate({ id, title: `t${id}` })
    await add.mutateAsync({ id: 301, title: "last" })
  })
  await waitFor(() => expect(titles()).toHaveLength(301))
  renders = []
  await act(async () => {
    await rename.mutateAsync({ id: 150, title: "changed" })
  })
  await waitFor(() => expect(titles()[149]).toBe("changed"))
  expect(renders).toEqual([150])
})

test("arguments that do not fit are an error of the mutation, with a code", async () => {
  render(
    <LfProvider doc="d" worker={memoryWorker({ mutator })}>
      <Todos />
    </LfProvider>,
  )
  await act(async () => {
    await expect(add.mutateAsync({ id: 1, title: "" })).rejects.toMatchObject({ code: "MUTATION_ARGS_INVALID" })
    await expect(add.mutateAsync({ id: 1, title: (() => {}) as unknown as string })).rejects.toMatchObject({
      code: "MUTATION_ARGS_INVALID",
    })
  })
  await waitFor(() => expect(add.error?.code).toBe("MUTATION_ARGS_INVALID"))
})

test("a write in useQuery is an error with a code, shown where its author sees it", async () => {
  render(
    <LfProvider doc="d" worker={memoryWorker({ mutator })}>
      <Bad />
    </LfProvider>,
  )
  await screen.findByText("SQL_DENIED")
})

test("an inline worker factory rendered 100 times makes one worker", async () => {
  const connect = memoryWorker({ mutator })
  let made = 0
  const inline = () => () => {
    made++
    return connect()
  }
  const { rerender } = render(
    <StrictMode>
      <LfProvider doc="d" worker={inline()}>
        <Todos />
      </LfProvider>
    </StrictMode>,
  )
  for (let i = 0; i < 100; i++) {
    rerender(
      <StrictMode>
        <LfProvider doc="d" worker={inline()}>
          <Todos />
        </LfProvider>
      </StrictMode>,
    )
  }
  await act(async () => {
    await add.mutateAsync({ id: 1, title: "one" })
  })
  expect(made).toBe(1)
})

test("changed parameters and documents show their own rows; clear() while mounted resubscribes", async () => {
  const client = new QueryClient()
  const worker = memoryWorker({ mutator })
  const tree = (doc: string, min: number) => (
    <QueryClientProvider client={client}>
      <LfProvider doc={doc} worker={worker}>
        <Todos min={min} />
      </LfProvider>
    </QueryClientProvider>
  )
  const { rerender } = render(tree("a", 0))
  await act(async () => {
    add.mutate({ id: 1, title: "one" })
    await add.mutateAsync({ id: 5, title: "five" })
  })
  await waitFor(() => expect(titles()).toEqual(["one", "five"]))
  rerender(tree("a", 5))
  await waitFor(() => expect(titles()).toEqual(["five"]))
  rerender(tree("b", 0))
  await waitFor(() => expect(titles()).toEqual([]))
  rerender(tree("a", 0))
  await waitFor(() => expect(titles()).toEqual(["one", "five"]))
  act(() => client.clear())
  await act(async () => {
    await add.mutateAsync({ id: 6, title: "six" })
  })
  await waitFor(() => expect(titles()).toEqual(["one", "five", "six"]))
})

test("a server snapshot from router.refresh() never puts older rows over pending edits", async () => {
  const client = new QueryClient()
  const query = sql`select * from todos where id >= ${0} order by id`
  // What the server's prefetch gives: rows as old as can be, so that whatever is here is newer.
  const snapshot = (rows: Todo[]) => ({
    mutations: [],
    queries: [
      dehydrateRows(
        { user: null, doc: "d" },
        query,
        rows.map((row) => ({ ...row })),
      ),
    ],
  })
  const worker = memoryWorker({ mutator })
  const tree = (rows: Todo[]) => (
    <QueryClientProvider client={client}>
      <HydrationBoundary state={snapshot(rows)}>
        <LfProvider doc="d" worker={worker}>
          <Todos />
        </LfProvider>
      </HydrationBoundary>
    </QueryClientProvider>
  )
  const { rerender } = render(tree([{ id: 9, title: "of the server" }]))
  expect(titles()).toEqual(["of the server"])
  await waitFor(() => expect(titles()).toEqual([]))
  await act(async () => {
    add.mutate({ id: 1, title: "one" })
    add.mutate({ id: 2, title: "two" })
    await add.mutateAsync({ id: 3, title: "three" })
  })
  await waitFor(() => expect(titles()).toEqual(["one", "two", "three"]))
  for (let i = 0; i < 3; i++) {
    rerender(tree([{ id: 9, title: `refreshed ${i}` }]))
    expect(titles()).toEqual(["one", "two", "three"])
  }
})

test("a page that comes back from the back/forward cache connects again and is live", async () => {
  let workers = 0
  const worker = memoryWorker({ mutator })
  const counted = () => {
    workers++
    return worker()
  }
  render(
    <LfProvider doc="d" worker={counted}>
      <Todos />
    </LfProvider>,
  )
  await act(() => add.mutateAsync({ id: 1, title: "before" }))
  window.dispatchEvent(new PageTransitionEvent("pageshow", { persisted: false }))
  expect(workers).toBe(1)
  window.dispatchEvent(new PageTransitionEvent("pageshow", { persisted: true }))
  expect(workers).toBe(2)
  await act(() => add.mutateAsync({ id: 2, title: "after" }))
  await waitFor(() => expect(titles()).toEqual(["before", "after"]))
})

test("useDocument queries, lists what is pending, and refuses to clear it away", async () => {
  render(
    <LfProvider doc="d" worker={memoryWorker({ mutator })}>
      <Inside />
    </LfProvider>,
  )
  await act(async () => {
    await document?.mutate(Add, { id: 1, title: "one" })
  })
  await screen.findByText("Add")
  expect(await document?.query(sql<Todo>`select * from todos`)).toEqual([{ id: 1, title: "one" }])
  await expect(document?.clear({ pending: "refuse" })).rejects.toMatchObject({ code: "PENDING_REFUSED" })
})
