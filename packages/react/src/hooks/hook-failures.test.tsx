// @vitest-environment jsdom
import { defineMutation, defineMutator, Reject, sql } from "@lf/core"
import { loadChecksum, type MemoryNetwork } from "@lf/core/internal"
import { MutationCache, QueryCache, QueryClient } from "@tanstack/react-query"
import { act, cleanup, fireEvent, render, screen, waitFor } from "@testing-library/react"
import { Component, type ReactNode } from "react"
import { afterEach, beforeAll, beforeEach, expect, type Mock, test, vi } from "vitest"
import { z } from "zod"
import { atTheEndOfTheStack } from "../../../core/src/testing/end-of-stack.ts"
import { memoryWorker } from "../testing/index.ts"
import { memoryServer } from "../testing/memory-server.ts"
import { LfProvider } from "./provider.tsx"
import { bindingOf } from "./query-binding.ts"
import { type DismissibleRejection, type Document, useDocument, useRejectedMutations } from "./use-document.ts"
import { useField } from "./use-field.ts"
import { type MutationOptions, type MutationResult, useMutation } from "./use-mutation.ts"
import { useQuery } from "./use-query.ts"

const text = z.object({ text: z.string().min(1) })
const Add = defineMutation("Add", text, (tx, { text }) => {
  if (text === "not here") throw new Reject("no-such-note", { text })
  if (text === "not there" && tx.side === "remote") throw new Reject("not-yours", { text })
  if (text === "throw") throw new TypeError("a bug of the app's")
  tx.run(sql`insert into notes values (${text})`)
})
const Deep = defineMutation("Deep", text, (tx, { text }) => {
  tx.run(sql`insert into notes values (${text})`)
  atTheEndOfTheStack(() => tx.all(sql`select ${"a".repeat(60_000)} like ${"%a".repeat(400)}`))
})
const Unregistered = defineMutation("Unregistered", text, () => {})
const mutator = defineMutator({
  migrations: [sql`create table notes (text text not null) strict`],
  mutations: [Add, Deep],
})
const notes = sql<{ text: string }>`select text from notes order by rowid`
const endless = sql<{
  n: number
}>`with recursive c(n) as (select 1 union all select n + 1 from c) select n from c order by -n`

let printed: Mock
beforeAll(loadChecksum)
beforeEach(() => {
  printed = vi.fn()
  vi.spyOn(console, "error").mockImplementation(printed)
  // That the server cannot be reached.
  vi.spyOn(console, "warn").mockImplementation(() => {})
})
afterEach(() => {
  cleanup()
  vi.restoreAllMocks()
  vi.unstubAllEnvs()
})

type Args = { text: string }
let add: MutationResult<Args>
let unregistered: MutationResult<Args>
let document: Document
let rejected: readonly DismissibleRejection[]

/** Nothing in it looks at an error. */
function Writer({ options = {} }: { options?: MutationOptions<Args> }) {
  add = useMutation(Add, options)
  unregistered = useMutation(Unregistered, options)
  document = useDocument()
  return null
}

function Rejections() {
  rejected = useRejectedMutations()
  return <p>{`rejected: ${rejected.map(({ code }) => code).join()}`}</p>
}

interface PageOptions {
  readonly network?: MemoryNetwork
  readonly client?: QueryClient
  readonly onError?: (error: { code: string }, what: { mutation?: string }) => void
}

function show(children: ReactNode, { network, client = new QueryClient(), onError }: PageOptions = {}) {
  const worker = memoryWorker({ mutator, ...(network && { network }) })
  return render(
    <LfProvider doc="d" worker={worker} queryClient={client} {...(onError && { onError })}>
      {children}
    </LfProvider>,
  )
}

/** A server that is there at once. */
async function server(): Promise<MemoryNetwork> {
  return (await memoryServer(mutator)).network
}

const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => "kept",
    (error: { code: string }) => error.code,
  )
/** What was printed, as codes. React and jsdom print texts. */
const printedCodes = () => printed.mock.calls.map(([what]) => (what as { code?: string }).code ?? String(what))

const refusals = [
  ["Reject in the mutator", "MUTATION_REJECTED", () => ({ call: add, args: { text: "not here" } })],
  ["a mutator that throws", "MUTATION_THREW", () => ({ call: add, args: { text: "throw" } })],
  ["a mutation that is not registered", "MUTATION_UNKNOWN", () => ({ call: unregistered, args: { text: "a" } })],
  ["arguments that do not fit", "MUTATION_ARGS_INVALID", () => ({ call: add, args: { text: "" } })],
  [
    "arguments that cannot be sent",
    "MUTATION_ARGS_INVALID",
    () => ({ call: add, args: { text: (() => {}) as never } }),
  ],
] as const

test.each(refusals)("%s is reported everywhere as %s (H7)", async (_name, code, make) => {
  const reported: string[] = []
  const onError = ({ code }: { code: string }) => void reported.push(`onError ${code}`)
  const ofProvider: PageOptions["onError"] = ({ code }, { mutation }) => {
    if (mutation !== undefined) reported.push(`provider ${mutation} ${code}`)
  }
  show(<Writer options={{ onError }} />, { onError: ofProvider })
  const { call, args } = make()
  const isAdd = call === add
  const name = isAdd ? "Add" : "Unregistered"
  act(() => call.mutate(args))
  await waitFor(() => expect((isAdd ? add : unregistered).error?.code).toBe(code))
  expect(reported.sort()).toEqual([`onError ${code}`, `provider ${name} ${code}`])
  await act(async () => {
    expect(await codeOf(call.mutateAsync(args))).toBe(code)
  })
  await waitFor(() => expect(reported).toHaveLength(4))
  await act(async () => {
    expect(await codeOf(document.mutate(isAdd ? Add : Unregistered, args))).toBe(code)
  })
  expect(reported).toHaveLength(5)
  expect(await document.query(notes)).toEqual([])
})

test("what a Reject said on this device is the cause of the error (H7)", async () => {
  show(<Writer />)
  await act(async () => {
    const error = await add.mutateAsync({ text: "not here" }).catch((error: unknown) => error)
    expect(error).toMatchObject({ cause: { code: "no-such-note", data: { text: "not here" } } })
  })
})

test("a rejection reaches both onRejected, the provider and the list until dismiss() (H4, H7)", async () => {
  const reported: string[] = []
  const listen = (who: string) => (outcome: { code: string }, args: Args) =>
    void reported.push(`${who} ${outcome.code} ${args.text}`)
  const options = { onRejected: listen("hook") }
  const page = (
    <>
      <Writer options={options} />
      <Rejections />
    </>
  )
  show(page, {
    network: await server(),
    onError: ({ code }, { mutation }) => reported.push(`provider ${mutation} ${code}`),
  })
  act(() => add.mutate({ text: "not there" }, { onRejected: listen("call") }))
  await screen.findByText("rejected: not-yours")
  await waitFor(() => expect(reported).toHaveLength(3))
  expect(reported.sort()).toEqual([
    "call not-yours not there",
    "hook not-yours not there",
    "provider Add MUTATION_REJECTED",
  ])
  expect(rejected[0]).toMatchObject({ name: "Add", data: { text: "not there" } })
  await act(() => rejected[0]?.dismiss() ?? Promise.reject(new Error("nothing to dismiss")))
  await screen.findByText("rejected:")
  expect(await document.query(notes)).toEqual([])
})

test("onRejected is called after its component was unmounted (H7)", async () => {
  const onRejected = vi.fn()
  const network = await server()
  network.setOnline(false)
  const client = new QueryClient()
  const { unmount } = show(<Writer options={{ onRejected }} />, { network, client })
  const { remote } = await act(() => add.mutateAsync({ text: "not there" }))
  const outcome = remote
  unmount()
  expect(onRejected).not.toHaveBeenCalled()
  network.setOnline(true)
  act(() => void window.dispatchEvent(new Event("online")))
  expect(await outcome).toMatchObject({ type: "rejected", code: "not-yours" })
  await waitFor(() => expect(onRejected).toHaveBeenCalledTimes(1))
})

test("remote resolves as applied when the server took it (H7)", async () => {
  show(<Writer />, { network: await server() })
  await act(async () => {
    const { remote } = await add.mutateAsync({ text: "good" })
    expect(await remote).toMatchObject({ type: "applied" })
  })
})

test("dismiss settles, also twice, for an unknown uid, and after the last unmount (H1)", async () => {
  const client = new QueryClient()
  const { unmount } = show(<Rejections />, { client })
  const tab = bindingOf(client).document("d", null)
  const uid = "0198c0de-0000-7000-8000-000000000000"
  const ends = [codeOf(tab.requests.dismiss(uid)), codeOf(tab.requests.dismiss(uid))]
  unmount()
  ends.push(codeOf(tab.requests.dismiss(uid)))
  expect(await Promise.all(ends)).toEqual(["kept", "kept", "kept"])
})

test("a query without an end is SQL_LIMIT, and another of the same page gets its rows (H8)", async () => {
  function Endless() {
    const { error, data } = useQuery(endless)
    return <p>{`endless: ${error?.code ?? data}`}</p>
  }
  function Good() {
    const { data } = useQuery(notes)
    return <p>{`good: ${data?.map(({ text }) => text).join()}`}</p>
  }
  const page = (
    <>
      <Writer />
      <Endless />
      <Good />
    </>
  )
  show(page)
  await screen.findByText("endless: SQL_LIMIT", {}, { timeout: 10_000 })
  await screen.findByText("good:")
  await act(() => add.mutateAsync({ text: "one" }))
  await screen.findByText("good: one")
  expect(screen.getByText("endless: SQL_LIMIT")).toBeDefined()
  expect(await codeOf(document.query(endless))).toBe("SQL_LIMIT")
})

function development() {
  vi.stubEnv("NODE_ENV", "development")
}

test("a failed mutation that nothing took is printed once (H10)", async () => {
  development()
  show(<Writer />)
  act(() => add.mutate({ text: "throw" }))
  await waitFor(() => expect(printedCodes()).toContain("MUTATION_THREW"))
  await document.query(notes)
  expect(printedCodes()).toEqual(["MUTATION_THREW"])
})

test("in production nothing is printed (H10)", async () => {
  vi.stubEnv("NODE_ENV", "production")
  show(<Writer />)
  const onError = vi.fn()
  act(() => add.mutate({ text: "throw" }))
  act(() => add.mutate({ text: "throw" }, { onError }))
  await waitFor(() => expect(onError).toHaveBeenCalledTimes(1))
  expect(printedCodes()).not.toContain("MUTATION_THREW")
})

function Shown() {
  const { mutate, error } = useMutation(Add)
  add = { ...add, mutate }
  return <p>{`shown: ${error?.code}`}</p>
}
const taken: readonly [string, () => { page?: ReactNode; options?: PageOptions; fail: () => unknown }][] = [
  ["a catch of mutateAsync", () => ({ fail: () => codeOf(add.mutateAsync({ text: "throw" })) })],
  ["a catch of useDocument().mutate", () => ({ fail: () => codeOf(document.mutate(Add, { text: "throw" })) })],
  ["onError of the call", () => ({ fail: () => add.mutate({ text: "throw" }, { onError: () => {} }) })],
  [
    "onError of the hook",
    () => ({ page: <Writer options={{ onError: () => {} }} />, fail: () => add.mutate({ text: "throw" }) }),
  ],
  ["onError of the provider", () => ({ options: { onError: () => {} }, fail: () => add.mutate({ text: "throw" }) })],
  [
    "the client's MutationCache",
    () => ({
      options: { client: new QueryClient({ mutationCache: new MutationCache({ onError: () => {} }) }) },
      fail: () => add.mutate({ text: "throw" }),
    }),
  ],
  ["a rendered error", () => ({ page: <Shown />, fail: () => add.mutate({ text: "throw" }) })],
]

test.each(taken)("a failed mutation that %s took is not printed (H10)", async (_name, make) => {
  development()
  const { page, options, fail } = make()
  const all = (
    <>
      <Writer />
      {page}
    </>
  )
  show(all, options)
  await act(async () => void (await fail()))
  await document.query(notes) // answered after the mutation
  await new Promise((resolve) => setTimeout(resolve, 20))
  expect(printedCodes()).toEqual([])
})

test("a rejection is printed once where nothing handles it, and not where it is listed (H10)", async () => {
  development()
  const network = await server()
  const { unmount } = show(<Writer />, { network })
  act(() => add.mutate({ text: "not there" }))
  await waitFor(() => expect(printedCodes()).toEqual(["MUTATION_REJECTED"]))
  unmount()
  const page = (
    <>
      <Writer />
      <Rejections />
    </>
  )
  show(page, { network: await server() })
  act(() => add.mutate({ text: "not there" }))
  await screen.findByText("rejected: not-yours")
  expect(printedCodes()).toEqual(["MUTATION_REJECTED"])
})

test("the server's rejection is not printed where the caller looks at remote (H10)", async () => {
  development()
  show(<Writer />, { network: await server() })
  await act(async () => {
    const { remote } = await add.mutateAsync({ text: "not there" })
    expect(await remote).toMatchObject({ type: "rejected" })
  })
  await document.query(notes)
  expect(printedCodes()).toEqual([])
})

test("a field takes what its commit's mutation was refused with (H9, H10)", async () => {
  development()
  function Text() {
    const { mutate } = useMutation(Add)
    const { input, error, isDirty } = useField("row", (text) => mutate({ text }))
    return <input {...input} aria-label={`${error?.code}, dirty: ${isDirty}`} />
  }
  show(<Text />)
  fireEvent.change(screen.getByRole("textbox"), { target: { value: "not here" } })
  const input = await screen.findByLabelText<HTMLInputElement>("MUTATION_REJECTED, dirty: false")
  expect(input.value).toBe("row")
  expect(printedCodes()).toEqual([])
})

class Boundary extends Component<{ children: ReactNode }, { code: string }> {
  override state = { code: "" }
  static getDerivedStateFromError = ({ code }: { code: string }) => ({ code })
  override render() {
    return this.state.code === "" ? this.props.children : <p>{`thrown: ${this.state.code}`}</p>
  }
}

test("a failed query is printed once where nothing takes its error (H10)", async () => {
  development()
  function Careless() {
    return <p>{`careless: ${useQuery(sql`select * from missing`).data?.length}`}</p>
  }
  show(<Careless />)
  await waitFor(() => expect(printedCodes()).toEqual(["SQL_ERROR"]))
})

test("a failed query whose error is rendered, thrown or reported to a callback is silent (H10)", async () => {
  development()
  const missing = sql`select * from missing`
  const Careful = () => <p>{`careful: ${useQuery(missing).error?.code}`}</p>
  const Careless = () => <p>{`careless: ${useQuery(missing).data?.length}`}</p>
  const Throwing = () => <p>{useQuery(missing, { throwOnError: true }).data?.length}</p>
  show(<Careful />).getByText("careful: undefined")
  await screen.findByText("careful: SQL_ERROR")
  cleanup()
  const onError = vi.fn()
  show(<Careless />, { client: new QueryClient({ queryCache: new QueryCache({ onError }) }) })
  await waitFor(() => expect(onError).toHaveBeenCalledTimes(1))
  cleanup()
  const reported: string[] = []
  show(<Careless />, { onError: ({ code }) => reported.push(code) })
  await waitFor(() => expect(reported).toContain("SQL_ERROR"))
  cleanup()
  show(
    <Boundary>
      <Throwing />
    </Boundary>,
  )
  await screen.findByText("thrown: SQL_ERROR")
  expect(printed.mock.calls.filter(([first]) => (first as { code?: string }).code !== undefined)).toEqual([])
})

test("a mutation that crashes SQLite is refused with its code; the page keeps its data (T43, H7)", async () => {
  function Page() {
    const { data = [] } = useQuery(notes)
    return <p>{`notes: ${data.map(({ text }) => text).join()}`}</p>
  }
  show(
    <>
      <Page />
      <Writer />
    </>,
  )
  await act(() => add.mutateAsync({ text: "before" }))
  await screen.findByText("notes: before")
  await act(async () => {
    expect(await codeOf(document.mutate(Deep, { text: "deep" }))).toBe("SQL_CRASHED")
  })
  await act(() => add.mutateAsync({ text: "after" }))
  await screen.findByText("notes: before,after")
  expect(await document.query(notes)).toEqual([{ text: "before" }, { text: "after" }])
})
