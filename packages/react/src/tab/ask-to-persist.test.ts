import { afterEach, expect, test, vi } from "vitest"
import { askToPersist } from "./ask-to-persist.ts"

afterEach(() => vi.unstubAllGlobals())

test("the browser is asked once per page to keep what is stored, as soon as it can be asked", async () => {
  const persist = vi.fn(() => Promise.reject(new Error("no")))
  for (const navigator of [undefined, {}, { storage: {} }, { storage: { persist } }, { storage: { persist } }]) {
    vi.stubGlobal("navigator", navigator)
    expect(askToPersist).not.toThrow()
  }
  // A refusal changes nothing: unhandled, it would fail this test.
  await new Promise((resolve) => setTimeout(resolve, 0))
  expect(persist).toHaveBeenCalledTimes(1)
})
