// @vitest-environment jsdom
import { defineMutation, defineMutator, type LfError, sql } from "@lf/core"
import { loadChecksum } from "@lf/core/internal"
import { act, cleanup, render, screen } from "@testing-library/react"
import { Component, type ReactNode } from "react"
import { afterEach, beforeAll, expect, test, vi } from "vitest"
import { z } from "zod"
import { memoryWorker } from "../testing/index.ts"
import { LfProvider } from "./provider.tsx"
import { useLf } from "./use-lf.ts"
import { useQuery } from "./use-query.ts"

const Add = defineMutation("Add", z.object({ text: z.string() }), (tx, { text }) => {
  tx.run(sql`insert into notes values (${text})`)
})
const mutator = defineMutator({
  migrations: [sql`create table notes (text text not null) strict`],
  mutations: [Add],
})
const notes = sql<{ _doc: string; text: string }>`select _doc, text from notes order by text`

beforeAll(loadChecksum)
afterEach(cleanup)

let lf: ReturnType<typeof useLf>
function Notes({ docs }: { docs: readonly string[] }) {
  lf = useLf()
  const { data, error } = useQuery(notes, { docs })
  return <output>{error?.code ?? data?.map(({ _doc, text }) => `${_doc}:${text}`).join()}</output>
}

class Boundary extends Component<{ children: ReactNode }, { error: LfError | null }> {
  override state = { error: null as LfError | null }
  static getDerivedStateFromError(error: LfError) {
    return { error }
  }
  override render() {
    return this.state.error === null ? this.props.children : <output>{this.state.error.message}</output>
  }
}

const page = (worker: () => SharedWorker, docs: readonly string[]) => (
  <LfProvider doc="shown" worker={worker}>
    <Boundary key={docs.join()}>
      <Notes docs={docs} />
    </Boundary>
  </LfProvider>
)
const shows = (text: string) => vi.waitFor(() => expect(screen.getByRole("status").textContent).toBe(text))

test("one hook shows the rows of several documents, and follows changes of each", async () => {
  const worker = memoryWorker({ mutator })
  const { rerender } = render(page(worker, ["work", "home"]))
  await shows("")
  await act(async () => {
    await lf.document("work").mutate(Add, { text: "deploy" })
    await lf.document("home").mutate(Add, { text: "bread" })
    await lf.document("other").mutate(Add, { text: "not shown" })
  })
  await shows("home:bread,work:deploy")
  rerender(page(worker, ["home", "other"]))
  await shows("home:bread,other:not shown")
})

test.each([
  ["none", [], /expected 1 to 10 different documents, got 0/],
  ["eleven", Array.from({ length: 11 }, (_, i) => `d${i}`), /expected 1 to 10 different documents, got 11/],
  ["one twice", ["a", "a"], /got 2 with a repeated one/],
  ["one with a wrong id", ["a", "../b"], /1 to 64/],
] as const)("%s of them: the page gets a sentence that says what to name (I17)", (_what, docs, message) => {
  vi.spyOn(console, "error").mockReturnValue()
  render(page(memoryWorker({ mutator }), docs))
  expect(screen.getByRole("status").textContent).toMatch(message)
  vi.restoreAllMocks()
})
