// @vitest-environment jsdom
import { loadChecksum } from "@lf/core/internal"
import { cleanup, render } from "@testing-library/react"
import { afterEach, beforeAll, expect, test, vi } from "vitest"
import { TabDocument } from "../tab/tab-document.ts"
import { memoryWorker } from "../testing/index.ts"
import { itemsMutator } from "../testing/worker-scene.ts"
import { LfProvider } from "./provider.tsx"

beforeAll(loadChecksum)
afterEach(() => {
  cleanup()
  vi.restoreAllMocks()
  vi.unstubAllEnvs()
})

test.each([
  ["development", 1],
  ["production", 0],
])("in %s an edit of the mutator restarts the worker %i times", (mode, times) => {
  vi.stubEnv("NODE_ENV", mode)
  const restart = vi.spyOn(TabDocument.prototype, "restartWorker").mockReturnValue()
  const worker = memoryWorker({ mutator: itemsMutator })
  const page = (mutator?: typeof itemsMutator) => (
    <LfProvider doc="d" worker={worker} {...(mutator === undefined ? {} : { mutator })} />
  )
  const { rerender } = render(page(itemsMutator))
  rerender(page(itemsMutator))
  restart.mockClear()
  // What a hot update makes: the same code, or another, in another object.
  rerender(page(Object.create(itemsMutator)))
  expect(restart).toHaveBeenCalledTimes(times)
})
