import { afterAll, beforeAll, expect, test, vi } from "vitest"
import { ScopePort, sharedWorkerScope } from "../testing/shared-worker-scope.ts"
import { itemsMutator } from "../testing/worker-scene.ts"

const scope = sharedWorkerScope()
const early = new ScopePort()

beforeAll(async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "setInterval"] })
  for (const [name, value] of Object.entries(scope.globals)) vi.stubGlobal(name, value)
  const { startWorker } = await import("./index.ts")
  scope.connect(early)
  expect(early.received).toEqual([])
  startWorker({ mutator: itemsMutator })
})
afterAll(() => {
  vi.unstubAllGlobals()
  vi.useRealTimers()
})

test("tabs that connected before the start, and later ones, are served by one worker", async () => {
  const later = scope.connect(new ScopePort())
  for (const port of [early, later]) expect(port.received[0]).toEqual({ type: "alive" })
  await vi.waitFor(() => expect(later.received).toHaveLength(2))
  expect(later.received[1]).toEqual({ type: "life", lock: expect.stringMatching(/^lf\/1\/life\//) })
  expect(early.received[1]).toEqual(later.received[1])
})

test("what its script throws later is said to its tabs, and ends nothing (H10)", () => {
  const tab = scope.connect(new ScopePort())
  const url = "http://localhost/api/lf"
  tab.say({ type: "open", doc: "d", user: null, url, hasAuth: false, tab: "t", connection: 1 })
  scope.listeners.get("error")?.({ error: new TypeError("a bug"), message: "Uncaught" })
  scope.listeners.get("error")?.({ message: "of another origin" })
  scope.listeners.get("unhandledrejection")?.({ reason: new TypeError("a lost promise") })
  const messages = tab.received.flatMap((one) => (one.type === "uncaught" ? [one.error.message] : []))
  expect(messages).toEqual([
    expect.stringContaining("a bug"),
    expect.stringContaining("of another origin"),
    expect.stringContaining("a lost promise"),
  ])
  expect(scope.closed).toEqual([])
})

test("a tab that cannot be served is sent the reason", () => {
  const broken = Object.defineProperty(new ScopePort(), "onmessage", {
    set() {
      throw new Error("no messages here")
    },
  })
  const failure = { type: "failed", error: expect.objectContaining({ code: "UNSUPPORTED" }) }
  expect(scope.connect(broken).received).toEqual([failure])
})

test("a worker that is older than its page ends itself", async () => {
  const tab = scope.connect(new ScopePort())
  tab.say({ type: "restart", sinceMs: Number.MAX_SAFE_INTEGER })
  await vi.waitFor(() => expect(scope.closed).toEqual(["closed"]))
})
