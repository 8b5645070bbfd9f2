import { describe, expect, test } from "vitest"
import { lsn } from "../base/lsn.ts"
import { planRebase } from "./rebase-plan.ts"

/** A timeline of entries 3, 4 and 5 whose hashes are their positions. */
const timeline = { start: lsn(2), lsn: lsn(5), hashAt: (at: number) => (at >= 2 && at <= 5 ? BigInt(at) : undefined) }
const quiet = { timeline, serverCursor: lsn(2), forkAt: null, isRestored: false }

describe("planRebase", () => {
  test("drops what the base has of ours", () => {
    expect(planRebase({ ...quiet, applied: { lsn: lsn(4), hash: 4n } })).toEqual({ dropTo: 4, next: "keep" })
    expect(planRebase({ ...quiet, applied: null })).toEqual({ dropTo: 2, next: "keep" })
  })

  test("another client's row drops only what the server confirmed with hashes, and asks (T1)", () => {
    const applied = { lsn: lsn(4), hash: 99n }
    expect(planRebase({ ...quiet, applied })).toEqual({ dropTo: 2, next: "probe" })
    expect(planRebase({ ...quiet, applied, serverCursor: lsn(3) })).toEqual({ dropTo: 3, next: "probe" })
    expect(planRebase({ ...quiet, applied, forkAt: lsn(3) })).toEqual({ dropTo: 3, next: "renumber" })
  })

  test("a restored base with our row: the rest goes to a new id (T2)", () => {
    const restored = { ...quiet, isRestored: true }
    expect(planRebase({ ...restored, applied: { lsn: lsn(3), hash: 3n } })).toEqual({ dropTo: 3, next: "renumber" })
    expect(planRebase({ ...restored, applied: { lsn: lsn(1), hash: 1n } })).toEqual({ dropTo: 2, next: "renumber" })
  })

  test("a restored base with a clone's row drops nothing before the server was asked (T1, T2)", () => {
    const applied = { lsn: lsn(5), hash: 99n }
    expect(planRebase({ ...quiet, applied, isRestored: true })).toEqual({ dropTo: 2, next: "probe" })
  })
})
