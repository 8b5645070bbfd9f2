// @vitest-environment jsdom
import { loadChecksum } from "@lf/core/internal"
import { act, cleanup, render } from "@testing-library/react"
import { afterEach, beforeAll, expect, test, vi } from "vitest"
import { memoryWorker } from "../testing/index.ts"
import { itemsMutator, itemsServer } from "../testing/worker-scene.ts"
import { LfProvider } from "./provider.tsx"
import { useDocument } from "./use-document.ts"

beforeAll(loadChecksum)
afterEach(() => {
  cleanup()
  vi.restoreAllMocks()
})

let own: ReturnType<typeof useDocument>
function Hook() {
  own = useDocument()
  return null
}

test("a mutation is measured until it is durable here and until it is decided; no entry stays (H5)", async () => {
  const measured: [string, unknown][] = []
  vi.spyOn(performance, "measure").mockImplementation((name, options) => {
    measured.push([name, (options as PerformanceMeasureOptions).detail])
    return {} as PerformanceMeasure
  })
  const cleared = vi.spyOn(performance, "clearMeasures")
  const { remote, network } = await itemsServer()
  render(
    <LfProvider doc="d" worker={memoryWorker({ mutator: itemsMutator, network })}>
      <Hook />
    </LfProvider>,
  )
  const add = itemsMutator.find("Add")
  const receipts = await act(async () => [await own.mutate(add, "one"), await own.mutate(add, "bad")])
  for (const { remote } of receipts) await remote
  const [{ uid }, { uid: other }] = receipts
  const what = { doc: "d", mutation: "Add" }
  expect(measured).toEqual(
    expect.arrayContaining([
      ["lf.durable", { ...what, uid }],
      ["lf.decided", { ...what, uid, outcome: "applied" }],
      ["lf.decided", { ...what, uid: other, outcome: "not-welcome" }],
    ]),
  )
  expect(cleared).toHaveBeenCalledTimes(4)
  await expect(own.mutate({ ...add, name: "Unknown" }, null)).rejects.toMatchObject({ code: "MUTATION_UNKNOWN" })
  expect(measured).toHaveLength(4)
  await remote.close()
})
