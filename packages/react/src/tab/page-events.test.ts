// @vitest-environment jsdom
import { afterEach, expect, test, vi } from "vitest"
import { watchPage } from "./page-events.ts"

afterEach(() => vi.restoreAllMocks())

function transition(persisted: boolean): Event {
  return Object.assign(new Event("pageshow"), { persisted })
}

test("a page wakes when visible or online, and thaws when restored from the cache (T28)", () => {
  const received: string[] = []
  const isVisible = vi.spyOn(document, "visibilityState", "get").mockReturnValue("hidden")
  const stop = watchPage({ awake: () => received.push("awake"), thawed: () => received.push("thawed") })
  const all = () => {
    document.dispatchEvent(new Event("visibilitychange"))
    window.dispatchEvent(new Event("online"))
    window.dispatchEvent(transition(false))
  }
  all()
  expect(received).toEqual([])
  isVisible.mockReturnValue("visible")
  all()
  expect(received).toEqual(["awake", "awake"])
  window.dispatchEvent(transition(true))
  expect(received).toEqual(["awake", "awake", "thawed"])
  stop()
  all()
  window.dispatchEvent(transition(true))
  expect(received).toHaveLength(3)
})

test("the undo needs no globals, which a test runner takes from a page that has ended", () => {
  const received: string[] = []
  const stop = watchPage({ awake: () => received.push("awake"), thawed: () => received.push("thawed") })
  vi.stubGlobal("document", undefined)
  vi.stubGlobal("window", undefined)
  stop()
  vi.unstubAllGlobals()
  window.dispatchEvent(new Event("online"))
  window.dispatchEvent(transition(true))
  expect(received).toEqual([])
})
