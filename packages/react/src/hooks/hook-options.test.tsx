// @vitest-environment jsdom
import { defineMutation, defineMutator, sql } from "@lf/core"
import { QueryClient, useIsMutating, useQueries } from "@tanstack/react-query"
import { act, cleanup, render, screen, waitFor } from "@testing-library/react"
import { memo, type ReactNode } from "react"
import { afterEach, beforeEach, expect, test, vi } from "vitest"
import { z } from "zod"
import type { TabMessage, WorkerMessage } from "../rpc/protocol.ts"
import { memoryWorker } from "../testing/index.ts"
import { LfProvider } from "./provider.tsx"
import { bindingOf, liveQueryOptions } from "./query-binding.ts"
import { type Document, useDocument, usePendingMutations, useRejectedMutations } from "./use-document.ts"
import { type MutationOptions, type MutationResult, useMutation } from "./use-mutation.ts"
import { type QueryOptions, type RowQueryOptions, useQuery } from "./use-query.ts"

interface Todo {
  readonly id: number
  readonly title: string
}
const Put = defineMutation("Put", z.object({ id: z.number(), title: z.string().min(1) }), (tx, { id, title }) => {
  tx.run(sql`insert into todos values (${id}, ${title}) on conflict do update set title = ${title}`)
})
const Fill = defineMutation("Fill", z.object({ count: z.number() }), (tx, { count }) => {
  for (let id = 1; id <= count; id++) tx.run(sql`insert into todos values (${id}, ${`t${id}`})`)
})
const mutator = defineMutator({
  migrations: [sql`create table todos (id integer primary key, title text not null) strict`],
  mutations: [Put, Fill],
})
const todos = sql<Todo>`select * from todos order by title`
const name = { doc: "d", user: null }

let client: QueryClient
let sent: TabMessage[]
let received: WorkerMessage[]
let worker: () => SharedWorker
beforeEach(() => {
  client = new QueryClient()
  sent = []
  received = []
  worker = tapped(memoryWorker({ mutator }))
})
afterEach(() => {
  cleanup()
  vi.useRealTimers()
})

/** The clock runs, and jumps past the delay after which unused queries and documents are released. */
const useFastTimers = () => vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"], shouldAdvanceTime: true })
const releaseTime = () => act(() => vi.advanceTimersByTimeAsync(1_000))

/** The worker, with all that is posted either way noted down. */
function tapped(connect: () => SharedWorker): () => SharedWorker {
  // Of this test: a document of an earlier one may still be about to close.
  const [toWorker, toTab] = [sent, received]
  return () => {
    const { port: real } = connect()
    const port = {
      postMessage: (message: TabMessage) => {
        toWorker.push(message)
        real.postMessage(message)
      },
      set onmessage(listener: (event: MessageEvent) => void) {
        real.onmessage = (event) => {
          toTab.push(event.data)
          listener(event)
        }
      },
      close: () => real.close(),
    }
    return { port, onerror: null } as unknown as SharedWorker // all that a TabDocument uses of it
  }
}

let document: Document
let put: MutationResult<{ id: number; title: string }>
function Page({ children, options = {} }: { children?: ReactNode; options?: MutationOptions<Todo> }) {
  document = useDocument()
  put = useMutation(Put, options)
  return children
}

const page = (children: ReactNode, queryClient = client, options: MutationOptions<Todo> = {}) => (
  <LfProvider doc="d" worker={worker} queryClient={queryClient}>
    <Page options={options}>{children}</Page>
  </LfProvider>
)

let result: ReturnType<typeof useQuery<Todo, unknown>>
function Titles({ options = {} }: { options?: QueryOptions<Todo, Todo[]> }) {
  const { data, ...rest } = useQuery(todos, options)
  result = { data, ...rest } as typeof result
  return <p>{data === undefined ? "nothing" : `titles: ${data.map(({ title }) => title).join()}`}</p>
}

const save = (id: number, title: string) => act(() => put.mutateAsync({ id, title }))
const sentOf = (type: TabMessage["type"]) => sent.filter((message) => message.type === type).length
const counts = () => [bindingOf(client).documentCount, bindingOf(client).queryCount]

test("enabled: false does not read and is not live; refetch() reads once (H4)", async () => {
  const { rerender } = render(page(<Titles options={{ enabled: false }} />))
  await save(1, "one")
  expect(screen.getByText("nothing")).toBeDefined()
  expect(sentOf("subscribe")).toBe(0)
  await act(() => result.refetch())
  await screen.findByText("titles: one")
  await save(2, "two")
  await document.query(todos)
  expect(screen.getByText("titles: one")).toBeDefined()
  await act(() => result.refetch())
  await screen.findByText("titles: one,two")
  rerender(page(<Titles options={{ enabled: true }} />))
  await save(3, "x")
  await screen.findByText("titles: one,two,x")
})

test("refetch() gives rows of now, and the same object when nothing has changed (H4)", async () => {
  render(page(<Titles />))
  await save(1, "one")
  await screen.findByText("titles: one")
  const before = result.data
  await act(async () => {
    const { data, status } = await result.refetch()
    expect(status).toBe("success")
    expect(data).toBe(before)
  })
  expect(sentOf("refresh")).toBe(1)
  expect(sentOf("subscribe")).toBe(1)
})

test("select makes anything of the rows, and is live (H4)", async () => {
  function Count() {
    const { data } = useQuery(todos, { select: (rows) => rows.length })
    return <p>{`count ${data}`}</p>
  }
  render(page(<Count />))
  await screen.findByText("count 0")
  await save(1, "one")
  await screen.findByText("count 1")
})

test("placeholderData shows until the rows are there (H4)", async () => {
  const shown: (boolean | string)[] = []
  function Placeholder() {
    const { data, isPlaceholderData } = useQuery(todos, { placeholderData: [{ id: 0, title: "placeholder" }] })
    shown.push(isPlaceholderData, data?.map(({ title }) => title).join() ?? "nothing")
    return null
  }
  render(page(<Placeholder />))
  await waitFor(() => expect(shown.slice(-2)).toEqual([false, ""]))
  expect(shown.slice(0, 2)).toEqual([true, "placeholder"])
  expect(shown).not.toContain("nothing")
})

test("placeholderData keeps what was shown while other parameters are read (H4)", async () => {
  function From({ min }: { min: number }) {
    const query = sql<Todo>`select * from todos where id >= ${min} order by id`
    const { data, isPlaceholderData } = useQuery(query, { placeholderData: (before) => before })
    return <p>{`${isPlaceholderData ? "before" : "now"}: ${data?.map(({ id }) => id).join()}`}</p>
  }
  const { rerender } = render(page(<From min={0} />))
  await save(1, "one")
  await save(2, "two")
  await screen.findByText("now: 1,2")
  rerender(page(<From min={2} />))
  expect(screen.getByText("before: 1,2")).toBeDefined()
  await screen.findByText("now: 2")
})

test("what the app does to the client's cache ends in rows again, and they stay live (H3, H4)", async () => {
  render(page(<Titles />))
  await act(() => client.cancelQueries())
  await save(1, "one")
  await screen.findByText("titles: one")
  const { queryKey } = liveQueryOptions(name, todos)
  const disturb = ["invalidateQueries", "resetQueries", "refetchQueries", "cancelQueries", "removeQueries"] as const
  for (const method of disturb) {
    await act(async () => void (await client[method]({ queryKey })))
    await screen.findByText("titles: one")
  }
  await save(2, "two")
  await screen.findByText("titles: one,two")
  expect(counts()).toEqual([1, 1])
})

test("a client with a queryKeyHashFn of its own is live, and lets go of everything (H4)", async () => {
  client = new QueryClient({ defaultOptions: { queries: { queryKeyHashFn: (key) => `mine ${JSON.stringify(key)}` } } })
  const { unmount } = render(page(<Titles options={{ gcTime: 0 }} />))
  await save(1, "one")
  await screen.findByText("titles: one")
  unmount()
  await waitFor(() => expect(bindingOf(client).queryCount).toBe(0), { timeout: 5_000 })
})

test("gcTime: what is cached shows at once on the way back, and is live again (H4)", async () => {
  const { rerender } = render(page(<Titles options={{ gcTime: 60_000 }} />))
  await save(1, "one")
  await screen.findByText("titles: one")
  rerender(page(null))
  await save(2, "two")
  rerender(page(<Titles options={{ gcTime: 60_000 }} />))
  expect(screen.getByText(/^titles: one/)).toBeDefined()
  await screen.findByText("titles: one,two")
  client.clear()
})

test("useQueries with liveQueryOptions is live (H4)", async () => {
  const first = sql<Todo>`select * from todos where id = 1`
  function Two() {
    const [all, one] = useQueries({ queries: [liveQueryOptions(name, todos), liveQueryOptions(name, first)] })
    return <p>{`${all.data?.length} and ${one.data?.length}`}</p>
  }
  render(page(<Two />))
  await screen.findByText("0 and 0")
  await save(1, "one")
  await save(2, "two")
  await screen.findByText("2 and 1")
})

test("useIsMutating counts what is not kept yet (H4)", async () => {
  const seen: number[] = []
  function Busy() {
    seen.push(useIsMutating({ mutationKey: ["lf", null, "d", "Put"] }))
    return null
  }
  render(page(<Busy />))
  await save(1, "one")
  await waitFor(() => expect(seen.at(-1)).toBe(0))
  expect(Math.max(...seen)).toBe(1)
})

test("callbacks are called in TanStack's order, with the arguments of their call (H4)", async () => {
  const reported: string[] = []
  const listeners = (who: string): MutationOptions<Todo> => ({
    onSuccess: (_receipt, { title }) => reported.push(`${who} success ${title}`),
    onError: ({ code }, { title }) => reported.push(`${who} error ${code} ${title}`),
    onSettled: (receipt, error, { title }) =>
      reported.push(`${who} settled ${receipt?.uid.length ?? "-"} ${error?.code ?? error} ${title}`),
  })
  render(page(null, client, listeners("hook")))
  const { onSuccess, onError, onSettled } = listeners("call")
  const one = { ...(onSuccess && { onSuccess }), ...(onError && { onError }), ...(onSettled && { onSettled }) }
  act(() => put.mutate({ id: 1, title: "a" }, one))
  await waitFor(() => expect(reported).toHaveLength(4))
  act(() => put.mutate({ id: 1, title: "" }, one))
  await waitFor(() => expect(reported).toHaveLength(8))
  expect(reported).toEqual([
    "hook success a",
    "hook settled 36 null a",
    "call success a",
    "call settled 36 null a",
    "hook error MUTATION_ARGS_INVALID ",
    "hook settled - MUTATION_ARGS_INVALID ",
    "call error MUTATION_ARGS_INVALID ",
    "call settled - MUTATION_ARGS_INVALID ",
  ])
})

test("when the last component is gone nothing runs and nothing is kept (H5)", async () => {
  useFastTimers()
  const { unmount } = render(page(<Titles options={{ gcTime: 0 }} />))
  await screen.findByText("titles:")
  expect(counts()).toEqual([1, 1])
  unmount()
  await releaseTime()
  expect(counts()).toEqual([0, 0])
  expect([sentOf("subscribe"), sentOf("unsubscribe"), sentOf("close")]).toEqual([1, 1, 1])
})

test("a disabled query that was read once leaves nothing behind (H5)", async () => {
  useFastTimers()
  const { unmount } = render(page(<Titles options={{ enabled: false, gcTime: 0 }} />))
  await act(() => result.refetch())
  await screen.findByText("titles:")
  unmount()
  await releaseTime()
  expect(counts()).toEqual([0, 0])
  expect([sentOf("subscribe"), sentOf("unsubscribe")]).toEqual([1, 1])
})

test("calls keep their order around a clear: what is written behind it stays (H1, H4)", async () => {
  render(page(<Titles />))
  await act(async () => {
    void put.mutateAsync({ id: 1, title: "before" })
    void document.clear({ pending: "discard" })
    await put.mutateAsync({ id: 2, title: "behind" })
  })
  await screen.findByText("titles: behind")
})

test("a query without observers is stopped while others go on (H5)", async () => {
  useFastTimers()
  const { rerender } = render(page(<Titles />))
  await screen.findByText("titles:")
  rerender(page(null))
  await releaseTime()
  expect(sentOf("unsubscribe")).toBe(1)
  rerender(page(<Titles />))
  await save(1, "one")
  await screen.findByText("titles: one")
  expect([sentOf("subscribe"), sentOf("close")]).toEqual([2, 0])
  client.clear()
})

test("cache.clear() under mounted components keeps them live, and nothing more (H5)", async () => {
  render(page(<Titles />))
  await screen.findByText("titles:")
  for (let i = 1; i <= 3; i++) {
    act(() => client.getQueryCache().clear())
    await save(i, `t${i}`)
    await screen.findByText(new RegExp(`^titles: .*t${i}$`))
    expect(counts()).toEqual([1, 1])
  }
  expect(sentOf("subscribe") - sentOf("unsubscribe")).toBe(1)
})

test("a query that was only prefetched is forgotten when it is removed (H5)", async () => {
  render(page(null))
  await client.prefetchQuery(liveQueryOptions(name, todos))
  expect(client.getQueryData(liveQueryOptions(name, todos).queryKey)).toEqual([])
  expect(counts()).toEqual([1, 1])
  client.removeQueries({ queryKey: ["lf"] })
  expect(counts()).toEqual([1, 0])
  expect(sentOf("unsubscribe")).toBe(1)
})

test("with 500 pending mutations one more is sent as one (H6)", async () => {
  function Lists() {
    return <p>{`${usePendingMutations().length} pending, ${useRejectedMutations().length} rejected`}</p>
  }
  render(page(<Lists />))
  await act(async () => {
    await Promise.all(Array.from({ length: 500 }, (_, id) => document.mutate(Put, { id, title: "t" })))
  })
  await screen.findByText("500 pending, 0 rejected")
  received.length = 0
  await save(500, "t")
  await screen.findByText("501 pending, 0 rejected")
  const items = received.flatMap((message) => {
    if (message.type !== "pending" && message.type !== "rejected") return []
    return message.change.type === "all" ? message.change.items : message.change.added
  })
  expect(items).toHaveLength(1)
})

test("1,000 queries subscribe with 1,000 messages; a change reaches only its own query (H6)", async () => {
  let renders: number[] = []
  const shown = new Map<number, string | undefined>()
  const One = memo(function One({ id }: { id: number }) {
    const { data } = useQuery(sql<Todo>`select * from todos where id = ${id}`)
    renders.push(id)
    shown.set(id, data?.[0]?.title)
    return null
  })
  const ids = Array.from({ length: 1_000 }, (_, i) => i + 1)
  const list = ids.map((id) => <One key={id} id={id} />)
  render(page(list))
  await act(() => document.mutate(Fill, { count: 1_000 }))
  await waitFor(() => expect(shown.get(1_000)).toBe("t1000"))
  expect([sentOf("subscribe"), sentOf("refresh"), sentOf("unsubscribe")]).toEqual([1_000, 0, 0])
  renders = []
  received.length = 0
  await save(500, "changed")
  await waitFor(() => expect(shown.get(500)).toBe("changed"))
  expect(renders).toEqual([500])
  expect(received.flatMap((message) => (message.type === "results" ? message.results : []))).toHaveLength(1)
})

test("selectRow runs once per changed row, and a row that moves keeps what it was mapped to (H6)", async () => {
  let mapped: number[] = []
  let shown: readonly { id: number; loud: string }[] = []
  const options: RowQueryOptions<Todo, { id: number; loud: string }> = {
    selectRow: ({ id, title }) => {
      mapped.push(id)
      return { id, loud: title.toUpperCase() }
    },
  }
  function Loud() {
    shown = useQuery(todos, options).data ?? []
    return <p>{shown.map(({ loud }) => loud).join()}</p>
  }
  render(page(<Loud />))
  for (const [id, title] of [[1, "b"], [2, "c"], [3, "d"]] as const) await save(id, title) // biome-ignore format: a table
  await screen.findByText("B,C,D")
  const before = new Map(shown.map((todo) => [todo.id, todo]))
  mapped = []
  await save(1, "x")
  await screen.findByText("C,D,X")
  expect(mapped).toEqual([1])
  expect([shown[0], shown[1]].map((todo) => todo === before.get(todo?.id ?? 0))).toEqual([true, true])
  await save(3, "a")
  await screen.findByText("A,C,X")
  expect(mapped).toEqual([1, 3])
  expect(shown[1]).toBe(before.get(2))
})
