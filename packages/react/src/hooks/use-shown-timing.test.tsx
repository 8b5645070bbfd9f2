// @vitest-environment jsdom
import { act, cleanup, render, screen } from "@testing-library/react"
import { afterEach, expect, test, vi } from "vitest"
import { testServer } from "../testing/index.ts"
import { itemsMutator, itemsQuery } from "../testing/worker-scene.ts"
import { LfProvider } from "./provider.tsx"
import { useDocument } from "./use-document.ts"
import { useQuery } from "./use-query.ts"
import { useShownTiming } from "./use-shown-timing.ts"

afterEach(() => {
  cleanup()
  vi.restoreAllMocks()
})

let ann: ReturnType<typeof useDocument>
function Ann() {
  ann = useDocument()
  return null
}
function Ben() {
  useShownTiming()
  return <output>{useQuery(itemsQuery).data?.length}</output>
}

test("a change of another is measured in the frame that has its rows, under the lsn of its outcome", async () => {
  const measured: { detail: unknown; rows: string | null }[] = []
  vi.spyOn(performance, "measure").mockImplementation((name, options) => {
    const { detail } = options as PerformanceMeasureOptions
    if (name === "lf.shown") measured.push({ detail, rows: screen.getByRole("status").textContent })
    return {} as PerformanceMeasure
  })
  await using server = await testServer({ mutator: itemsMutator })
  const [one, other] = [server.client({ user: "ann" }), server.client({ user: "ben" })]
  const { rerender } = render([
    <LfProvider key="ann" doc="d" user="ann" worker={one.worker}>
      <Ann />
    </LfProvider>,
    <LfProvider key="ben" doc="d" user="ben" worker={other.worker}>
      <Ben />
    </LfProvider>,
  ])
  await act(async () => server.settled())
  const add = itemsMutator.find("Add")
  const { remote } = await act(() => ann.mutate(add, "one"))
  const outcome = await act(() => remote)
  const lsn = outcome.type === "applied" ? outcome.lsn : 0
  await act(() => vi.waitFor(() => expect(measured.at(-1)?.detail).toEqual({ doc: "d", lsn })))
  expect(measured.at(-1)?.rows).toBe("1")
  rerender([])
  const { length } = measured
  await act(() => server.document("d").mutate(add, "two"))
  await act(async () => server.settled())
  expect(measured).toHaveLength(length)
})
