import { afterEach, expect, test, vi } from "vitest"
import { Persistence } from "./persistence.ts"

afterEach(() => vi.unstubAllGlobals())
const settled = () => new Promise((resolve) => setTimeout(resolve, 0))

test("the browser is asked once per page to keep what waits, as soon as it can be asked", async () => {
  const persistence = new Persistence()
  const persist = vi.fn(() => Promise.reject(new Error("no")))
  for (const navigator of [undefined, {}, { storage: {} }, { storage: { persist } }, { storage: { persist } }]) {
    vi.stubGlobal("navigator", navigator)
    persistence.askForWaiting()
  }
  // A refusal changes nothing: unhandled, it would fail this test.
  await settled()
  expect([persist.mock.calls.length, persistence.isPersistent]).toEqual([1, null])
})

test("an app that asks by itself gets the answer, and nothing asks after it", async () => {
  const persistence = new Persistence()
  const persist = vi.fn(async () => true)
  const seen: (boolean | null)[] = []
  vi.stubGlobal("navigator", { storage: { persist, persisted: async () => false } })
  const stop = persistence.watch(() => seen.push(persistence.isPersistent))
  await settled()
  expect(await persistence.ask()).toBe(true)
  persistence.askForWaiting()
  await settled()
  expect([seen, persist.mock.calls.length]).toEqual([[false, true], 1])
  stop()
  vi.stubGlobal("navigator", {})
  expect(await new Persistence().ask()).toBe(false)
  expect(seen).toHaveLength(2)
})
