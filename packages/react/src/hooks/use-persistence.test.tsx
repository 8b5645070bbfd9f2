// @vitest-environment jsdom
import { loadChecksum } from "@lf/core/internal"
import { act, cleanup, render, screen } from "@testing-library/react"
import { afterEach, beforeAll, expect, test, vi } from "vitest"
import { testServer } from "../testing/index.ts"
import { itemsMutator } from "../testing/worker-scene.ts"
import { LfProvider } from "./provider.tsx"
import { useDocument } from "./use-document.ts"
import { usePersistence } from "./use-persistence.ts"

beforeAll(loadChecksum)
afterEach(() => {
  cleanup()
  vi.unstubAllGlobals()
})

let document: ReturnType<typeof useDocument>
let persistence: ReturnType<typeof usePersistence>
function Page() {
  document = useDocument()
  persistence = usePersistence()
  return <output>{String(persistence.isPersistent)}</output>
}

test("a first edit asks the browser nothing; changes that wait without a connection do, once", async () => {
  const persist = vi.fn(async () => true)
  vi.stubGlobal("navigator", { onLine: true, userAgent: "", storage: { persist, persisted: async () => false } })
  await using server = await testServer({ mutator: itemsMutator })
  const device = server.client()
  render(
    <LfProvider doc="d" worker={device.worker}>
      <Page />
    </LfProvider>,
  )
  const add = itemsMutator.find("Add")
  await act(() => document.mutate(add, "one"))
  await act(async () => server.settled())
  expect([persist.mock.calls.length, screen.getByRole("status").textContent]).toEqual([0, "false"])
  device.cut()
  for (const id of ["two", "three"]) await act(() => document.mutate(add, id))
  await act(() => vi.waitFor(() => expect(persist).toHaveBeenCalled()))
  await act(() => document.mutate(add, "four"))
  expect([persist.mock.calls.length, screen.getByRole("status").textContent]).toEqual([1, "true"])
  expect(await persistence.ask()).toBe(true)
})
