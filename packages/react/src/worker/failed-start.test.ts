import { afterAll, beforeAll, expect, test, vi } from "vitest"
import { ScopePort, sharedWorkerScope } from "../testing/shared-worker-scope.ts"

const scope = sharedWorkerScope()

beforeAll(async () => {
  for (const [name, value] of Object.entries(scope.globals)) vi.stubGlobal(name, value)
  await import("./index.ts")
})
afterAll(() => vi.unstubAllGlobals())

test("a script that throws before the start gives its tabs that reason, and ends", () => {
  const early = scope.connect(new ScopePort())
  scope.listeners.get("error")?.({ error: new TypeError("a bug"), message: "Uncaught" })
  const failure = {
    type: "failed",
    error: expect.objectContaining({
      code: "WORKER_FAILED",
      message: expect.stringMatching(/^the worker's script threw: .*a bug/),
    }),
  }
  expect([early.received, scope.closed.length]).toEqual([[failure], 1])
  expect(scope.connect(new ScopePort()).received).toEqual([failure])
  expect([early.received.length, scope.closed.length]).toEqual([1, 2])
})
