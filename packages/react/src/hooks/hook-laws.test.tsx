// @vitest-environment jsdom
import { defineMutation, defineMutator, sql } from "@lf/core"
import { QueryClient, QueryErrorResetBoundary } from "@tanstack/react-query"
import { act, cleanup, fireEvent, render, screen, waitFor } from "@testing-library/react"
import {
  Component,
  type ReactNode,
  StrictMode,
  Suspense,
  useEffect,
  useLayoutEffect,
  useState,
  useTransition,
} from "react"
import { afterEach, expect, test, vi } from "vitest"
import { z } from "zod"
import { memoryWorker } from "../testing/index.ts"
import { LfProvider, type LfProviderProps } from "./provider.tsx"
import { bindingOf, liveQueryOptions } from "./query-binding.ts"
import { type Document, useDocument } from "./use-document.ts"
import { type MutationOptions, type MutationResult, useMutation } from "./use-mutation.ts"
import { useQuery, useSuspenseQuery } from "./use-query.ts"

interface Note {
  readonly text: string
}
const Add = defineMutation("Add", z.object({ text: z.string().min(1) }), (tx, { text }) => {
  tx.run(sql`insert into notes values (${text})`)
})
const Replace = defineMutation("Replace", z.object({ text: z.string() }), (tx, { text }) => {
  tx.run(sql`update notes set text = ${text}`)
})
const mutator = defineMutator({
  migrations: [sql`create table notes (text text not null) strict`],
  mutations: [Add, Replace],
})
const notes = sql<Note>`select text from notes order by rowid`

afterEach(() => {
  cleanup()
  vi.useRealTimers()
  vi.restoreAllMocks()
  vi.unstubAllGlobals()
})

type Worker = LfProviderProps["worker"]
let add: MutationResult<{ text: string }>
let replace: MutationResult<{ text: string }>
let document: Document
let refetch: () => Promise<unknown>

function Notes({ options = {} }: { options?: MutationOptions<{ text: string }> }) {
  const { data, error, refetch: again } = useQuery(notes)
  add = useMutation(Add, options)
  replace = useMutation(Replace)
  document = useDocument()
  refetch = again
  return <p>{error?.code ?? data?.map(({ text }) => text).join() ?? "waiting"}</p>
}

/** What a promise comes to: kept, or the code of its error. */
function endOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => "kept",
    (error: { code?: string }) => error.code ?? String(error),
  )
}

/** What a device has of a document, seen by a page of its own. */
async function textsOf(worker: Worker, doc: string, user: string | null = null): Promise<string[]> {
  let seen: Document | undefined
  function Look() {
    seen = useDocument()
    return null
  }
  const { unmount } = render(
    <LfProvider doc={doc} user={user} worker={worker} queryClient={new QueryClient()}>
      <Look />
    </LfProvider>,
  )
  const rows = (await seen?.query(notes)) ?? []
  unmount()
  return rows.map(({ text }) => text)
}

const everyCall = () => [
  add.mutateAsync({ text: "async" }),
  document.mutate(Add, { text: "of the document" }),
  document.query(notes),
  document.clear({ pending: "discard" }),
  refetch(),
]

test("mutateAsync settles after its component was unmounted, and is kept (H1)", async () => {
  const worker = memoryWorker({ mutator })
  const { unmount } = render(
    <LfProvider doc="d" worker={worker}>
      <Notes />
    </LfProvider>,
  )
  const receipt = add.mutateAsync({ text: "one" })
  unmount()
  expect((await receipt).uid).toMatch(/^[0-9a-f-]{36}$/)
  expect(await textsOf(worker, "d")).toEqual(["one"])
})

test("mutate calls the hook's callbacks once when its component was unmounted (H1)", async () => {
  const reported: string[] = []
  const options = { onSuccess: () => reported.push("success"), onSettled: () => reported.push("settled") }
  const { unmount } = render(
    <LfProvider doc="d" worker={memoryWorker({ mutator })}>
      <Notes options={options} />
    </LfProvider>,
  )
  add.mutate({ text: "one" })
  unmount()
  await waitFor(() => expect(reported).toEqual(["success", "settled"]))
})

test("all kinds of calls settle while the provider is closed under them (H1)", async () => {
  const { unmount } = render(
    <LfProvider doc="d" worker={memoryWorker({ mutator })}>
      <Notes />
    </LfProvider>,
  )
  await waitFor(() => expect(screen.queryByText("waiting")).toBeNull())
  const ends = everyCall().map(endOf)
  unmount()
  expect((await Promise.all(ends)).slice(0, 4)).toEqual(["kept", "kept", "kept", "kept"])
  expect(await ends[4]).toBeTypeOf("string")
})

test("all kinds of calls settle while another document is shown (H1)", async () => {
  const worker = memoryWorker({ mutator })
  const tree = (doc: string) => (
    <LfProvider doc={doc} worker={worker}>
      <Notes />
    </LfProvider>
  )
  const { rerender } = render(tree("a"))
  await waitFor(() => expect(screen.queryByText("waiting")).toBeNull())
  await act(async () => {
    const under = everyCall().map(endOf)
    rerender(tree("b"))
    expect((await Promise.all(under)).slice(0, 4)).toEqual(["kept", "kept", "kept", "kept"])
  })
})

test("calls that are made long after the last component is gone settle (H1)", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"], shouldAdvanceTime: true })
  const client = new QueryClient()
  const worker = memoryWorker({ mutator })
  render(
    <LfProvider doc="d" worker={worker} queryClient={client}>
      <Notes />
    </LfProvider>,
  )
  await waitFor(() => expect(screen.queryByText("waiting")).toBeNull())
  cleanup()
  client.clear()
  await vi.advanceTimersByTimeAsync(1_000)
  expect(bindingOf(client).documentCount).toBe(0)
  expect(await endOf(add.mutateAsync({ text: "one" }))).toBe("kept")
  expect(await document.query(notes)).toEqual([{ text: "one" }])
  expect(await endOf(document.clear({ pending: "refuse" }))).toBe("PENDING_REFUSED")
})

test("where no worker can be made every call ends with a typed error (H1)", async () => {
  const broken = () => {
    throw new Error("no")
  }
  vi.stubGlobal("SharedWorker", class {})
  render(
    <LfProvider doc="d" worker={broken}>
      <Notes />
    </LfProvider>,
  )
  await screen.findByText("WORKER_FAILED")
  await act(async () => {
    const ends = everyCall().slice(0, 4).map(endOf)
    expect(new Set(await Promise.all(ends))).toEqual(new Set(["WORKER_FAILED"]))
    expect(await refetch()).toMatchObject({ status: "error", error: { code: "WORKER_FAILED" } })
  })
})

test("query and refetch with a wrong query end with an error, each its own (H1)", async () => {
  function Wrong() {
    const { refetch: again } = useQuery(sql`select * from missing`)
    document = useDocument()
    refetch = again
    return null
  }
  render(
    <LfProvider doc="d" worker={memoryWorker({ mutator })}>
      <Wrong />
    </LfProvider>,
  )
  await act(async () => {
    expect(await endOf(document.query(sql`select * from missing`))).toBe("SQL_ERROR")
    expect(await refetch()).toMatchObject({ error: { code: "SQL_ERROR" } })
    expect(await refetch()).toMatchObject({ error: { code: "SQL_ERROR" } })
  })
})

function Early({ when }: { when: typeof useEffect }) {
  const { mutate } = useMutation(Add)
  const { id } = useDocument()
  when(() => mutate({ text: `of ${id}` }), [mutate, id])
  return null
}

test.each([
  ["a layout effect", useLayoutEffect],
  ["a child's effect", useEffect],
] as const)("a call in %s belongs to the document of its render (H2)", async (_name, when) => {
  const worker = memoryWorker({ mutator })
  const tree = (doc: string) => (
    <LfProvider doc={doc} worker={worker}>
      <Early when={when} />
    </LfProvider>
  )
  const { rerender } = render(tree("a"))
  rerender(tree("b"))
  expect(await textsOf(worker, "b")).toEqual(["of b"])
  expect(await textsOf(worker, "a")).toEqual(["of a"])
})

test("late handlers, also after an await, write to the document of their render (H2, T30)", async () => {
  const worker = memoryWorker({ mutator })
  const tree = (doc: string) => (
    <LfProvider doc={doc} worker={worker}>
      <Notes />
    </LfProvider>
  )
  const { rerender } = render(tree("a"))
  const { mutate, mutateAsync } = add
  const ofA = document
  rerender(tree("b"))
  await act(async () => {
    mutate({ text: "late" })
    await Promise.resolve()
    await mutateAsync({ text: "later" })
    await ofA.mutate(Add, { text: "of the document" })
    await add.mutateAsync({ text: "of b" })
  })
  expect(await ofA.query(notes)).toEqual([{ text: "late" }, { text: "later" }, { text: "of the document" }])
  expect(await textsOf(worker, "b")).toEqual(["of b"])
})

test("a late handler writes as the user of its render (H2)", async () => {
  const worker = memoryWorker({ mutator })
  const tree = (user: string) => (
    <LfProvider doc="d" user={user} worker={worker}>
      <Notes />
    </LfProvider>
  )
  const { rerender } = render(tree("ann"))
  const { mutateAsync } = add
  rerender(tree("bob"))
  await act(() => mutateAsync({ text: "ann's" }))
  expect(await textsOf(worker, "d", "ann")).toEqual(["ann's"])
  expect(await textsOf(worker, "d", "bob")).toEqual([])
})

test("the callbacks and the state of a call are those of its document (H2)", async () => {
  const worker = memoryWorker({ mutator })
  const reported: string[] = []
  const tree = (doc: string) => (
    <LfProvider doc={doc} worker={worker}>
      <Notes options={{ onSuccess: () => reported.push(doc) }} />
    </LfProvider>
  )
  const { rerender } = render(tree("a"))
  add.mutate({ text: "one" })
  rerender(tree("b"))
  expect(add.status).toBe("idle")
  await waitFor(() => expect(reported).toEqual(["a"]))
  expect(add.status).toBe("idle")
})

function Rows() {
  const { data } = useSuspenseQuery(notes)
  const { id } = useDocument()
  add = useMutation(Add)
  return <p>{`${id}: ${data.map(({ text }) => text).join()}`}</p>
}

function Switching({ worker }: { worker: Worker }) {
  const [doc, setDoc] = useState("a")
  const [isPending, startTransition] = useTransition()
  return (
    <Suspense fallback="waiting">
      <button type="button" onClick={() => startTransition(() => setDoc("b"))}>
        {isPending ? "pending" : "switch"}
      </button>
      <LfProvider doc={doc} worker={worker}>
        <Rows />
      </LfProvider>
    </Suspense>
  )
}

test("until its rows are there a transition shows, and writes to, the old document (H2, H3)", async () => {
  const worker = memoryWorker({ mutator })
  render(<Switching worker={worker} />)
  await screen.findByText("a:")
  const seen: (string | null)[] = []
  const observer = new MutationObserver(() => seen.push(window.document.body.textContent))
  observer.observe(window.document.body, { subtree: true, childList: true, characterData: true })
  fireEvent.click(screen.getByRole("button"))
  add.mutate({ text: "meanwhile" })
  await screen.findByText("b:")
  observer.disconnect()
  expect(seen.join()).not.toContain("waiting")
  expect(await textsOf(worker, "a")).toEqual(["meanwhile"])
  expect(await textsOf(worker, "b")).toEqual([])
})

test.each(["inside", "outside"])(
  "useSuspenseQuery ends in rows with the boundary %s of the provider (H3, T31)",
  async (where) => {
    const worker = memoryWorker({ mutator })
    const boundary = (children: ReactNode) => <Suspense fallback="waiting">{children}</Suspense>
    const inner = where === "inside" ? boundary(<Rows />) : <Rows />
    const provider = (
      <LfProvider doc="d" worker={worker}>
        {inner}
      </LfProvider>
    )
    render(<StrictMode>{where === "inside" ? provider : boundary(provider)}</StrictMode>)
    expect(screen.queryByText("waiting")).not.toBeNull()
    await screen.findByText("d:")
    await act(() => add.mutateAsync({ text: "live" }))
    await screen.findByText("d: live")
  },
)

class Boundary extends Component<{ onReset: () => void; children: ReactNode }, { code: string | null }> {
  override state: { code: string | null } = { code: null }
  static getDerivedStateFromError(error: { code?: string }) {
    return { code: error.code ?? String(error) }
  }
  override render() {
    if (this.state.code === null) return this.props.children
    const retry = () => {
      this.props.onReset()
      this.setState({ code: null })
    }
    return (
      <button type="button" onClick={retry}>
        {this.state.code}
      </button>
    )
  }
}

function Parsed() {
  const { data } = useSuspenseQuery(sql<{ a: number }>`select json_extract(text, '$.a') as a from notes`)
  return <p>{`a is ${data.map(({ a }) => a).join()}`}</p>
}

test("an SQL error reaches the boundary, and its retry ends in an error or in rows (H3, T32)", async () => {
  vi.spyOn(console, "error").mockImplementation(() => {})
  const worker = memoryWorker({ mutator })
  const parsed = (
    <QueryErrorResetBoundary>
      {({ reset }) => (
        <Boundary onReset={reset}>
          <Suspense fallback="suspended">
            <Parsed />
          </Suspense>
        </Boundary>
      )}
    </QueryErrorResetBoundary>
  )
  const tree = (child: ReactNode) => (
    <LfProvider doc="d" worker={worker}>
      <Notes />
      {child}
    </LfProvider>
  )
  const { rerender } = render(tree(null))
  await act(() => add.mutateAsync({ text: "{" }))
  rerender(tree(parsed))
  const first = await screen.findByText("SQL_ERROR")
  fireEvent.click(first)
  await waitFor(() => expect(screen.getByText("SQL_ERROR")).not.toBe(first))
  await act(() => replace.mutateAsync({ text: '{"a":7}' }))
  fireEvent.click(screen.getByText("SQL_ERROR"))
  await screen.findByText("a is 7")
})

test("a query of a document without a provider is PROVIDER_MISSING, not an endless wait (H3)", async () => {
  vi.useFakeTimers()
  const client = new QueryClient()
  bindingOf(client)
  const end = endOf(client.fetchQuery(liveQueryOptions({ doc: "unopened", user: null }, notes)))
  await vi.advanceTimersByTimeAsync(10_000)
  expect(await end).toBe("PROVIDER_MISSING")
})
