import type { RejectedMutation } from "@lf/core"
import { describe, expect, test } from "vitest"
import { changedRejections, INITIAL_STATE, nextState } from "./document-state.ts"
import { TabState } from "./tab-state.ts"

const rejection = (uid: string) => ({ uid, code: "no" }) as unknown as RejectedMutation // all that is looked at

describe("the state of a document", () => {
  test("is at first that nothing is known: connecting, online, durable, and not up to date", () => {
    expect(new TabState().state).toEqual({
      status: "connecting",
      error: null,
      isOpen: false,
      isOnlineWanted: true,
      pendingCount: 0,
      lsn: 0,
      isDurable: true,
      isUpToDate: false,
      firstSync: null,
      traffic: { bytesIn: 0, bytesOut: 0, pagesIn: 0, rebases: 0 },
    })
  })

  test("keeps an error and a progress that say the same, though they are other objects", () => {
    const before = nextState(INITIAL_STATE, {
      error: { code: "LOG_FULL", message: "full" },
      firstSync: { bytes: 1, bytesTotal: 2 },
    })
    const same = nextState(before, {
      lsn: 3,
      error: { code: "LOG_FULL", message: "full" },
      firstSync: { bytes: 1, bytesTotal: 2 },
    })
    expect(same.error).toBe(before.error)
    expect(same.firstSync).toBe(before.firstSync)
    expect(same.lsn).toBe(3)
  })

  test("takes an error or a progress of which any part differs, and null", () => {
    const before = nextState(INITIAL_STATE, {
      error: { code: "LOG_FULL", message: "full" },
      firstSync: { bytes: 1, bytesTotal: 2 },
    })
    for (const error of [{ code: "LOG_FULL", message: "other" }, { code: "LOG_FAILED", message: "full" }, null])
      expect(nextState(before, { error }).error).toBe(error)
    for (const firstSync of [{ bytes: 2, bytesTotal: 2 }, { bytes: 1, bytesTotal: 3 }, null])
      expect(nextState(before, { firstSync }).firstSync).toBe(firstSync)
  })
})

describe("rejections", () => {
  const [a, b] = [rejection("a"), rejection("b")]

  test("all: the list of the worker, with what is known kept; the same list when nothing is new", () => {
    const before = [a, b]
    expect(changedRejections(before, { type: "all", items: [rejection("a"), rejection("b")] })).toBe(before)
    const swapped = changedRejections(before, { type: "all", items: [rejection("b"), rejection("a")] })
    expect([swapped[0], swapped[1]]).toEqual([b, a])
    expect(swapped[0]).toBe(b)
    expect(changedRejections(before, { type: "all", items: [rejection("a")] })).toEqual([a])
    expect(changedRejections([], { type: "all", items: [a] })).toEqual([a])
  })

  test("a change adds at the end and removes by uid; an empty one keeps the list", () => {
    const before = [a, b]
    expect(changedRejections(before, { type: "change", added: [], removed: [] })).toBe(before)
    expect(changedRejections(before, { type: "change", added: [rejection("c")], removed: ["a"] })).toEqual([
      b,
      rejection("c"),
    ])
    expect(changedRejections(before, { type: "change", added: [], removed: ["b"] })).toEqual([a])
    expect(changedRejections(before, { type: "change", added: [rejection("c")], removed: [] })).toHaveLength(3)
  })
})

describe("watchers", () => {
  test("are called on each change until they stop, also when one stops another meanwhile", () => {
    const known = new TabState()
    const reported: string[] = []
    const stops: (() => void)[] = []
    stops.push(
      known.watch(() => {
        reported.push("first")
        stops[1]()
      }),
    )
    stops.push(known.watch(() => reported.push("second")))
    expect(known.watcherCount).toBe(2)
    known.become({ lsn: 1 })
    expect(reported).toEqual(["first", "second"])
    known.changePending({ type: "all", items: [] })
    known.changeRejected({ type: "all", items: [] })
    expect(reported).toEqual(["first", "second", "first", "first"])
    stops[0]()
    known.become({ lsn: 2 })
    expect([reported.length, known.watcherCount]).toEqual([4, 0])
  })

  test("find what is pending and rejected; after a reset nothing is known", () => {
    const known = new TabState()
    const pending = { uid: "p", name: "Add", args: null, at: 1 }
    known.become({ lsn: 9 })
    known.changePending({ type: "all", items: [pending] })
    known.changeRejected({ type: "all", items: [rejection("r")] })
    expect([known.state.lsn, known.pending, known.rejected]).toEqual([9, [pending], [rejection("r")]])
    known.reset()
    expect([known.state, known.pending, known.rejected]).toEqual([INITIAL_STATE, [], []])
  })
})

test("an error is answered once: when it comes, and when it becomes another (H10)", () => {
  const known = new TabState()
  const full = { code: "LOG_FULL", message: "full" }
  expect(known.become({ error: full })).toBe(full)
  expect(known.become({ error: { ...full } })).toBe(null)
  expect(known.become({ lsn: 1 })).toBe(null)
  expect(known.become({ error: null })).toBe(null)
  expect(known.become({ error: { ...full, message: "other" } })).toMatchObject({ message: "other" })
})
