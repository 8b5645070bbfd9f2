// @vitest-environment jsdom
// What a second look at the hooks found, each as it was found.
import { defineMutation, defineMutator, Reject, sql } from "@lf/core"
import { loadChecksum, type MemoryNetwork } from "@lf/core/internal"
import { QueryClient } from "@tanstack/react-query"
import { act, cleanup, fireEvent, render, screen, waitFor } from "@testing-library/react"
import { type ReactNode, StrictMode, useState } from "react"
import { afterEach, beforeAll, expect, test, vi } from "vitest"
import { z } from "zod"
import { memoryWorker } from "../testing/index.ts"
import { memoryServer } from "../testing/memory-server.ts"
import { LfProvider } from "./provider.tsx"
import { liveQueryOptions } from "./query-binding.ts"
import { type Document, useDocument } from "./use-document.ts"
import { type FieldResult, useField } from "./use-field.ts"
import { type MutationOptions, type MutationResult, useMutation } from "./use-mutation.ts"
import { useQuery } from "./use-query.ts"

const Add = defineMutation("Add", z.object({ text: z.string() }), (tx, { text }) => {
  if (tx.side === "remote" && text === "not there") throw new Reject("not-yours")
  tx.run(sql`insert into notes values (${text})`)
})
const mutator = defineMutator({
  migrations: [sql`create table notes (text text not null) strict`],
  mutations: [Add],
})
const notes = sql<{ text: string }>`select text from notes order by rowid`

beforeAll(loadChecksum)
afterEach(() => {
  cleanup()
  vi.restoreAllMocks()
  vi.unstubAllEnvs()
})

let add: MutationResult<{ text: string }>
let document: Document
function Writer({ options = {} }: { options?: MutationOptions<{ text: string }> }) {
  add = useMutation(Add, options)
  document = useDocument()
  return null
}

async function server(): Promise<MemoryNetwork> {
  return (await memoryServer(mutator)).network
}

test("a rejection of useDocument().mutate is reported to the provider (H7, H10)", async () => {
  const reported: string[] = []
  const worker = memoryWorker({ mutator, network: await server() })
  render(
    <LfProvider doc="d" worker={worker} onError={({ code }, { mutation }) => reported.push(`${mutation} ${code}`)}>
      <Writer />
    </LfProvider>,
  )
  await act(async () => void (await document.mutate(Add, { text: "not there" })))
  await waitFor(() => expect(reported).toEqual(["Add MUTATION_REJECTED"]))
})

test("an onRejected that throws keeps the next one from nothing (H7)", async () => {
  const reported: unknown[] = []
  vi.stubGlobal("reportError", (error: unknown) => reported.push(error))
  const bug = new Error("a bug of the app")
  const throwing = () => {
    throw bug
  }
  const received = vi.fn()
  const worker = memoryWorker({ mutator, network: await server() })
  render(
    <LfProvider doc="d" worker={worker}>
      <Writer options={{ onRejected: throwing }} />
    </LfProvider>,
  )
  act(() => add.mutate({ text: "not there" }, { onRejected: received }))
  await waitFor(() => expect(received).toHaveBeenCalledTimes(1))
  expect(reported).toEqual([bug])
  vi.unstubAllGlobals()
})

function Ignores() {
  useQuery(sql`select * from missing`)
  return null
}
function Shows() {
  const { error } = useQuery(sql`select * from missing`)
  return <p>{error?.code}</p>
}

for (const [what, page, times] of [
  [
    "two components that ignore it",
    <>
      <Ignores />
      <Ignores />
    </>,
    1,
  ],
  [
    "one that ignores it beside one that shows it",
    <>
      <Ignores />
      <Shows />
    </>,
    0,
  ],
] satisfies [string, ReactNode, number][]) {
  test(`a failing query is printed ${times} times for ${what}, also in StrictMode (H10)`, async () => {
    vi.stubEnv("NODE_ENV", "development")
    const printed: unknown[] = []
    vi.spyOn(console, "error").mockImplementation((error) => void printed.push(error))
    vi.spyOn(console, "warn").mockImplementation(() => {})
    const failing = liveQueryOptions({ user: null, doc: "d" }, sql`select * from missing`)
    const client = new QueryClient()
    render(
      <StrictMode>
        <LfProvider doc="d" worker={memoryWorker({ mutator })} queryClient={client}>
          {page}
        </LfProvider>
      </StrictMode>,
    )
    await waitFor(() => expect(client.getQueryState(failing.queryKey)?.status).toBe("error"))
    await act(async () => {})
    expect(printed.filter((error) => (error as { code?: string }).code === "SQL_ERROR")).toHaveLength(times)
  })
}

test("fetchQuery gives rows of now, of what was only fetched and of what was just left (H4)", async () => {
  const client = new QueryClient()
  const fetched = liveQueryOptions({ user: null, doc: "d" }, notes)
  const left = liveQueryOptions({ user: null, doc: "d" }, sql<{ text: string }>`select text from notes`)
  function Looks() {
    useQuery(sql<{ text: string }>`select text from notes`)
    return null
  }
  const page = (looks: boolean) => (
    <LfProvider doc="d" worker={memoryWorker({ mutator })} queryClient={client}>
      <Writer />
      {looks && <Looks />}
    </LfProvider>
  )
  const { rerender } = render(page(true))
  await waitFor(() => expect(client.getQueryData(left.queryKey)).toEqual([]))
  expect(await client.fetchQuery(fetched)).toEqual([])
  rerender(page(false))
  await act(async () => void (await add.mutateAsync({ text: "new" })))
  expect(await client.fetchQuery(left)).toEqual([{ text: "new" }])
  expect(await client.fetchQuery(fetched)).toEqual([{ text: "new" }])
})

let become: (row: string) => void
let field: FieldResult<string>
function Bound() {
  const [row, setRow] = useState("a")
  become = setRow
  field = useField(row, () => {})
  return <input {...field.input} />
}

test("composition is not interrupted; where nothing was entered, the row shows (H9)", () => {
  render(<Bound />)
  const input = screen.getByRole<HTMLInputElement>("textbox")
  act(() => input.focus())
  fireEvent.compositionStart(input)
  act(() => become("x"))
  act(() => become("y"))
  expect(input.value).toBe("a")
  fireEvent.compositionEnd(input)
  expect([input.value, field.isDirty]).toEqual(["y", false])
})

function BigField() {
  const [row] = useState(5n)
  const bound = useField(row, () => {})
  return (
    <>
      <input {...bound.input} />
      <p>{bound.error?.code}</p>
    </>
  )
}

test("an empty text is no bigint (H9)", () => {
  render(<BigField />)
  const input = screen.getByRole<HTMLInputElement>("textbox")
  act(() => input.focus())
  fireEvent.change(input, { target: { value: "" } })
  expect(screen.getByText("MUTATION_ARGS_INVALID")).toBeDefined()
})
