// @vitest-environment jsdom
import { isLfError, type Query } from "@lf/core"
import { loadChecksum } from "@lf/core/internal"
import { QueryClient } from "@tanstack/react-query"
import { act, cleanup, render, screen } from "@testing-library/react"
import { afterEach, beforeAll, expect, test } from "vitest"
import { memoryWorker, type TestServer, testServer } from "../testing/index.ts"
import { itemsMutator, itemsQuery } from "../testing/worker-scene.ts"
import { LfProvider } from "./provider.tsx"
import { useConnectionStatus, useDocument } from "./use-document.ts"
import { useLf } from "./use-lf.ts"
import { useQuery } from "./use-query.ts"

const Add = itemsMutator.find("Add")
const items = itemsQuery as Query<{ id: string }>

beforeAll(loadChecksum)
let server: TestServer | null = null
afterEach(async () => {
  cleanup()
  await server?.close()
  server = null
})

type Shown = { lf: ReturnType<typeof useLf>; document: ReturnType<typeof useDocument> }
const shown: Record<string, Shown> = {}
function Tab({ name }: { name: string }) {
  shown[name] = { lf: useLf(), document: useDocument() }
  const { status, error } = useConnectionStatus()
  const { data } = useQuery(items)
  return <output aria-label={name}>{`${status} ${error?.code ?? "-"} ${data?.map(({ id }) => id).join()}`}</output>
}
const seen = (name: string) => screen.getByLabelText(name).textContent
const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => "done",
    (error: unknown) => (isLfError(error) ? error.code : String(error)),
  )

test("signing out sends, ends the session, then deletes; every tab says so, and a later sign-in starts anew (T25)", async () => {
  server = await testServer({ mutator: itemsMutator })
  const ann = server.client({ user: "ann" })
  const tab = (name: string, doc: string, queryClient = new QueryClient()) => (
    <LfProvider key={name} doc={doc} user="ann" worker={ann.worker} queryClient={queryClient}>
      <Tab name={name} />
    </LfProvider>
  )
  const { rerender } = render([tab("one", "a"), tab("two", "b")])
  await act(async () => {
    await shown.two.document.mutate(Add, "of b")
    await server?.settled()
  })
  expect(seen("two")).toBe("connected - of b")
  expect((await shown.one.lf.documents()).map(({ id }) => id).sort()).toEqual(["a", "b"])

  const { one, two } = shown
  const steps: string[] = []
  const fails = one.lf.signOut({ wipe: true, pending: "refuse", end: () => Promise.reject(new Error("no network")) })
  await expect(fails).rejects.toThrow("no network")
  expect(await two.document.query(items)).toEqual([{ id: "of b" }])

  await act(async () => {
    // Not sent yet when the sign-out begins.
    void two.document.mutate(Add, "last").then(({ remote }) => remote.then(({ type }) => steps.push(type)))
    await one.lf.signOut({ wipe: true, pending: "refuse", end: () => steps.push("end") })
  })
  expect(steps).toEqual(["applied", "end"])
  for (const name of ["one", "two"]) await expect.poll(() => seen(name)).toMatch(/^needs-auth SIGNED_OUT/)
  expect(await codeOf(two.document.mutate(Add, "late"))).toBe("SIGNED_OUT")
  expect(await codeOf(one.lf.signOut({ wipe: false }))).toBe("SIGNED_OUT")

  rerender([])
  await act(() => new Promise((resolve) => setTimeout(resolve, 10)))
  ann.cut()
  rerender([tab("one", "a"), tab("two", "b")])
  await act(async () => expect(await shown.two.document.query(items)).toEqual([]))
  ann.heal()
  await act(async () => server?.settled())
  expect(seen("two")).toBe("connected - last,of b")
})

test("what was not sent refuses a sign-out, or is dropped knowingly; without a user there is none", async () => {
  const worker = memoryWorker({ mutator: itemsMutator })
  const page = (user: string | null) => (
    <LfProvider doc="d" user={user} worker={worker}>
      <Tab name="one" />
    </LfProvider>
  )
  const { rerender } = render(page("ann"))
  await act(() => shown.one.document.mutate(Add, "kept"))
  const { lf, document } = shown.one
  let ends = 0
  const end = () => ends++
  expect(await codeOf(lf.signOut({ wipe: true, pending: "refuse", end }))).toBe("PENDING_REFUSED")
  expect([ends, await document.query(items)]).toEqual([0, [{ id: "kept" }]])
  expect(await lf.documents()).toEqual([{ id: "d", pending: 1 }])
  await act(() => lf.signOut({ wipe: true, pending: "discard", end }))
  expect([ends, seen("one")]).toEqual([1, expect.stringMatching(/^needs-auth SIGNED_OUT/)])
  rerender(page(null))
  // The anonymous user's own, which the page shows now.
  expect(await shown.one.lf.documents()).toEqual([{ id: "d", pending: 0 }])
  expect(await codeOf(shown.one.lf.signOut({ wipe: false }))).toBe("AUTH_REQUIRED")
})
