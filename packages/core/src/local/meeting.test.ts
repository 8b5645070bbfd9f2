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
  test("T1 goes on where the server's last entry is one of ours, from the first that we have to the last", () => {
    for (const position of [2, 3, 5])
      expect(planMeeting(timeline(2, 5), at(position))).toEqual({ type: "agreed", cursor: position })
  })

  test("T2 a server that has less than what we dropped was restored: we part where ours begins", () => {
    expect(planMeeting(timeline(2, 5), at(1))).toEqual({ type: "fork", common: 2 })
  })

  test("T1 an entry that is not ours, or ahead of ours, has the server asked; with nothing pending it is a fork", () => {
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

  test("I9 without a row of ours, or with one that we know already, drops nothing", () => {
    for (const applied of [null, at(1), at(2), at(1, 99n)])
      expect(plan({ applied })).toEqual({ dropTo: 2, next: "keep" })
  })

  test("I9 drops what it shows of ours, up to the last", () => {
    for (const position of [3, 5]) expect(plan({ applied: at(position) })).toEqual({ dropTo: position, next: "keep" })
  })

  test("T1 of another's row drops what the server confirmed, not more than there is, and asks", () => {
    expect(plan({ applied: at(5, 99n) })).toEqual({ dropTo: 4, next: "probe" })
    expect(plan({ applied: at(3, 99n) })).toEqual({ dropTo: 3, next: "probe" })
    expect(plan({ applied: at(9), serverCursor: lsn(8) })).toEqual({ dropTo: 5, next: "probe" })
    expect(plan({ applied: at(9), serverCursor: lsn(0) })).toEqual({ dropTo: 2, next: "probe" })
  })

  test("I7 past a fork renumbers when it shows all of what is common, and keeps that visible until then", () => {
    expect(plan({ applied: at(3), forkAt: lsn(4) })).toEqual({ dropTo: 3, next: "keep" })
    expect(plan({ applied: at(4), forkAt: lsn(4) })).toEqual({ dropTo: 4, next: "renumber" })
    expect(plan({ applied: at(9), forkAt: lsn(3) })).toEqual({ dropTo: 3, next: "renumber" })
    expect(plan({ forkAt: lsn(0) })).toEqual({ dropTo: 2, next: "renumber" })
  })

  test("T2 of a restored document renumbers after a row of ours, and asks after another's", () => {
    expect(plan({ isRestored: true, applied: at(3) })).toEqual({ dropTo: 3, next: "renumber" })
    expect(plan({ isRestored: true, applied: at(3, 99n), forkAt: lsn(2) })).toEqual({ dropTo: 2, next: "probe" })
  })
})
