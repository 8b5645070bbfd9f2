// @vitest-environment jsdom
import { loadChecksum } from "@lf/core/internal"
import { QueryClient } from "@tanstack/react-query"
import { act, cleanup, render, screen, within } from "@testing-library/react"
import { afterEach, beforeAll, expect, test, vi } from "vitest"
import type { ErrorListener } from "../tab/error-reports.ts"
import { memoryWorker } from "../testing/index.ts"
import { itemsMutator, itemsServer } from "../testing/worker-scene.ts"
import { LfProvider } from "./provider.tsx"
import { useDocument } from "./use-document.ts"
import { usePresence } from "./use-presence.ts"

beforeAll(loadChecksum)
afterEach(cleanup)

let setOnline: (isOnline: boolean) => void = () => {}

function Who({ mine }: { mine: { name: string } | undefined }) {
  const { others } = usePresence(mine)
  const document = useDocument()
  if (mine?.name === "ann") setOnline = document.setOnline
  return <output>{others.map(({ value }) => value.name).join()}</output>
}

/** A page of its own, with the device's worker. */
const pageOf = (worker: () => SharedWorker) => ({ worker, queryClient: new QueryClient() })

const tab = (page: ReturnType<typeof pageOf>, name: string | undefined, onError: ErrorListener = () => {}) => (
  <section aria-label={name ?? "silent"}>
    <LfProvider doc="d" {...page} onError={onError}>
      <Who mine={name === undefined ? undefined : { name }} />
    </LfProvider>
  </section>
)
const shows = (name: string, others: string) =>
  vi.waitFor(
    () =>
      expect(within(screen.getByLabelText(name)).getByRole("status").textContent?.split(",").sort().join()).toBe(
        others,
      ),
    { timeout: 5_000 },
  )

test("tabs of several devices see each other, and who leaves, hides or goes offline is gone", async () => {
  const { remote, network } = await itemsServer()
  const [one, other] = [0, 1].map(() => memoryWorker({ mutator: itemsMutator, network }))
  const [first, second, third] = [one, other, other].map(pageOf)
  const { rerender } = render(
    <>
      {tab(first, "ann")}
      {tab(second, "bo")}
      {tab(third, undefined)}
    </>,
  )
  await shows("ann", "bo")
  await shows("bo", "ann")
  await shows("silent", "ann,bo")
  rerender(
    <>
      {tab(first, "ann")}
      {tab(second, "bo")}
    </>,
  )
  await shows("bo", "ann")
  act(() => setOnline(false))
  await shows("bo", "")
  await shows("ann", "")
  act(() => setOnline(true))
  await shows("bo", "ann")
  await remote.close()
})

test("a presence that is too large reaches onError, and the one before stays", async () => {
  const { remote, network } = await itemsServer()
  const [first, second] = [0, 1].map(() => pageOf(memoryWorker({ mutator: itemsMutator, network })))
  const codes: string[] = []
  const onError: ErrorListener = ({ code }) => void codes.push(code)
  const page = (name: string) => (
    <>
      <div>{tab(first, name, onError)}</div>
      {tab(second, "bo")}
    </>
  )
  const { rerender } = render(page("ann"))
  await shows("bo", "ann")
  rerender(page("x".repeat(5_000)))
  await vi.waitFor(() => expect(codes).toEqual(["PRESENCE_INVALID"]))
  await shows("bo", "ann")
  await remote.close()
})
