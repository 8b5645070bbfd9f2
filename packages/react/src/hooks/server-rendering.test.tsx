// No DOM here: this is how Next renders on the server.
import { PassThrough } from "node:stream"
import { text } from "node:stream/consumers"
import { sql } from "@lf/core"
import { HydrationBoundary } from "@tanstack/react-query"
import { Suspense } from "react"
import { renderToPipeableStream, renderToString } from "react-dom/server"
import { expect, test } from "vitest"
import { dehydrateRows } from "../../../next/src/documents/dehydrate.ts"
import { LfProvider } from "./provider.tsx"
import { useConnectionStatus, useSyncStatus } from "./use-document.ts"
import { useQuery, useSuspenseQuery } from "./use-query.ts"

interface Note {
  readonly id: number
  readonly text: string
}
const notes = sql<Note>`select * from notes`
// What `prefetch` gives: the server's own, so that both ends are held together.
const state = {
  mutations: [],
  queries: [dehydrateRows({ user: null, doc: "d" }, notes, [{ id: 1, text: "from the server" }])],
}

function noWorker(): SharedWorker {
  throw new Error("the server makes no worker")
}

function Plain() {
  const { data, isPending } = useQuery(notes)
  const { status } = useConnectionStatus()
  const { pending } = useSyncStatus()
  return <p>{isPending ? `waiting, ${status}, ${pending}` : data?.map((note) => note.text).join()}</p>
}

function Suspending() {
  return (
    <p>
      {useSuspenseQuery(notes)
        .data.map((note) => note.text)
        .join()}
    </p>
  )
}

test("without prefetched rows the server renders the waiting state and connects to nothing", () => {
  const html = renderToString(
    <LfProvider doc="d" worker={noWorker}>
      <Plain />
    </LfProvider>,
  )
  expect(html).toBe("<p>waiting, connecting, 0</p>")
})

test("prefetched rows are in the first HTML, with and without Suspense", () => {
  const html = renderToString(
    <LfProvider doc="d" worker={noWorker}>
      <HydrationBoundary state={state}>
        <Plain />
        <Suspending />
      </HydrationBoundary>
    </LfProvider>,
  )
  expect(html).toBe("<p>from the server</p><p>from the server</p>")
})

test("a suspense query without rows leaves its boundary to the browser, with Next's digest", async () => {
  const digests: unknown[] = []
  const html = await new Promise<string>((resolve, reject) => {
    const { pipe } = renderToPipeableStream(
      <LfProvider doc="d" worker={noWorker}>
        <Suspense fallback={<i>later</i>}>
          <Suspending />
        </Suspense>
      </LfProvider>,
      {
        onError: (error) => void digests.push((error as { digest?: string }).digest),
        onShellError: reject,
        onAllReady: () => {
          const out = new PassThrough()
          pipe(out)
          text(out).then(resolve, reject)
        },
      },
    )
  })
  expect(html).toContain("<i>later</i>")
  expect(digests).toEqual(["BAILOUT_TO_CLIENT_SIDE_RENDERING"])
})
