// @vitest-environment jsdom
import { defineMutation, defineMutator, sql } from "@lf/core"
import { loadChecksum } from "@lf/core/internal"
import { QueryClient, QueryClientProvider } from "@tanstack/react-query"
import { act, cleanup, render, screen } from "@testing-library/react"
import { afterEach, beforeAll, expect, test } from "vitest"
import { z } from "zod"
import { memoryWorker } from "../testing/index.ts"
import { memoryServer } from "../testing/memory-server.ts"
import { LfProvider } from "./provider.tsx"
import { useDocument } from "./use-document.ts"
import { useLf } from "./use-lf.ts"
import { useQuery } from "./use-query.ts"

const Add = defineMutation("Add", z.object({ text: z.string() }), (tx, { text }) => {
  tx.run(sql`insert into notes values (${text})`)
})
const mutator = defineMutator({
  migrations: [sql`create table notes (text text not null) strict`],
  mutations: [Add],
})
const notes = sql<{ text: string }>`select text from notes order by rowid`

beforeAll(loadChecksum)
afterEach(cleanup)

let lf: ReturnType<typeof useLf>
let own: ReturnType<typeof useDocument>
function Hooks() {
  lf = useLf()
  own = useDocument()
  return null
}

/** Looks at its rows in its first render. */
function Notes({ seen }: { seen: (string | undefined)[] }) {
  const { data } = useQuery(notes)
  seen.push(data?.map(({ text }) => text).join())
  return <output>{data?.map(({ text }) => text).join()}</output>
}

test("documents besides the provider's are made, read and prefetched, offline too", async () => {
  const worker = memoryWorker({ mutator })
  const queryClient = new QueryClient()
  const page = (doc: string, children = <Hooks />) => (
    <QueryClientProvider client={queryClient}>
      <LfProvider doc={doc} worker={worker}>
        {children}
      </LfProvider>
    </QueryClientProvider>
  )
  const { rerender } = render(page("one"))
  await act(async () => {
    await own.mutate(Add, { text: "of one" })
    await lf.document("two").mutate(Add, { text: "of two" })
  })
  expect(await lf.document("two").query(notes)).toEqual([{ text: "of two" }])
  expect(await lf.document("one").query(notes)).toEqual([{ text: "of one" }])
  expect([lf.document("two").id, lf.document("two").user]).toEqual(["two", null])
  for (const id of ["", "../x"])
    expect(() => lf.document(id)).toThrow(expect.objectContaining({ code: "DOC_ID_INVALID" }))

  await act(() => lf.document("two").prefetch(notes))
  const seen: (string | undefined)[] = []
  rerender(page("two", <Notes seen={seen} />))
  expect(screen.getByRole("status").textContent).toBe("of two")
  expect(seen).not.toContain(undefined)
})

test("what was written into one that nothing shows reaches the server (I3)", async () => {
  const { remote, network } = await memoryServer(mutator)
  const worker = memoryWorker({ mutator, network })
  render(
    <LfProvider doc="shown" worker={worker}>
      <Hooks />
    </LfProvider>,
  )
  const receipt = await act(() => lf.document("other").mutate(Add, { text: "kept" }))
  expect(await receipt.remote).toMatchObject({ type: "applied" })
  expect(await remote.read(notes)).toContainEqual({ text: "kept" })
  await remote.close()
})
