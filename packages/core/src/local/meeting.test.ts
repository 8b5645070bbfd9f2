import { describe, expect, test } from "vitest"
import { lsn } from "../base/lsn.ts"
import { planMeeting, planRebase, type RebaseInput } from "./rebase-plan.ts"

/** A timeline whose hash at each position is that position; what is pending begins after `start`. */
const timeline = (start: number, end: number) => ({
  start: lsn(start),
  lsn: lsn(end),
  hashAt: (at: number) => (at >= start && at <= end ? BigInt(at) : undefined),
})
const at = (position: number, hash = BigInt(position)) => ({ lsn: lsn(position), hash })

describe("a meeting", () => {
  test("goes on where the server's last entry is any of ours, first to last (T1)", () => {
    for (const position of [2, 3, 5])
      expect(planMeeting(timeline(2, 5), at(position))).toEqual({ type: "agreed", cursor: position })
  })

  test("a server that lacks what we dropped was restored: a fork where ours begins (T2)", () => {
    expect(planMeeting(timeline(2, 5), at(1))).toEqual({ type: "fork", common: 2 })
  })

  test("an entry not ours or ahead of ours asks the server; with nothing pending it is a fork (T1)", () => {
    for (const server of [at(3, 9n), at(6), at(2, 9n)])
      expect(planMeeting(timeline(2, 5), server)).toEqual({ type: "probe" })
    for (const server of [at(2, 9n), at(3)])
      expect(planMeeting(timeline(2, 2), server)).toEqual({ type: "fork", common: 2 })
  })
})

describe("a new base", () => {
  const plan = (input: Partial<RebaseInput>) =>
    planRebase({
      applied: null,
      timeline: timeline(2, 5),
      serverCursor: lsn(4),
      forkAt: null,
      isRestored: false,
      ...input,
    })

  test("without a row of ours, or with one that we know already, drops nothing (I9)", () => {
    for (const applied of [null, at(1), at(2), at(1, 99n)])
      expect(plan({ applied })).toEqual({ dropTo: 2, next: "keep" })
  })

  test("drops what it shows of ours, up to the last (I9)", () => {
    for (const position of [3, 5]) expect(plan({ applied: at(position) })).toEqual({ dropTo: position, next: "keep" })
  })

  test("of another's row drops what the server confirmed, not more than there is, and asks (T1)", () => {
    expect(plan({ applied: at(5, 99n) })).toEqual({ dropTo: 4, next: "probe" })
    expect(plan({ applied: at(3, 99n) })).toEqual({ dropTo: 3, next: "probe" })
    expect(plan({ applied: at(9), serverCursor: lsn(8) })).toEqual({ dropTo: 5, next: "probe" })
    expect(plan({ applied: at(9), serverCursor: lsn(0) })).toEqual({ dropTo: 2, next: "probe" })
  })

  test("past a fork renumbers when it shows all that is common, and shows it until then (I7)", () => {
    expect(plan({ applied: at(3), forkAt: lsn(4) })).toEqual({ dropTo: 3, next: "keep" })
    expect(plan({ applied: at(4), forkAt: lsn(4) })).toEqual({ dropTo: 4, next: "renumber" })
    expect(plan({ applied: at(9), forkAt: lsn(3) })).toEqual({ dropTo: 3, next: "renumber" })
    expect(plan({ forkAt: lsn(0) })).toEqual({ dropTo: 2, next: "renumber" })
  })

  test("of a restored document renumbers after a row of ours, and asks after another's (T2)", () => {
    expect(plan({ isRestored: true, applied: at(3) })).toEqual({ dropTo: 3, next: "renumber" })
    expect(plan({ isRestored: true, applied: at(3, 99n), forkAt: lsn(2) })).toEqual({ dropTo: 2, next: "probe" })
  })
})
