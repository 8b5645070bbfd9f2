import { FRAME_BYTES_MAX, PART_BYTES_MAX, TOKEN_BYTES_MAX } from "@lf/core/internal"
import { describe, expect, test } from "vitest"
import { ConnectionQuotas } from "./connection-quotas.ts"
import { LIMITS, limitsOf } from "./limits.ts"

test("a mutation runs no longer than its store bears, and a longer limit is refused (T12)", () => {
  expect([limitsOf().mutationMsMax, limitsOf({}, 1_000).mutationMsMax]).toEqual([5_000, 1_000])
  expect(limitsOf({ mutationMsMax: 800 }, 1_000).mutationMsMax).toBe(800)
  expect(() => limitsOf({ mutationMsMax: 2_000 }, 1_000)).toThrow(/mutationMsMax is at most 1000, got 2000/)
})

const pipe = { unreadBytes: 0, send: () => {}, close: () => {}, listen: () => {} }
const limited = expect.objectContaining({ code: "RATE_LIMITED" })
const NONE = { connections: 0, addresses: 0, intakes: 0, owners: 0, unfinishedBytes: 0 }

describe("sockets (S7)", () => {
  test("connectionsPerAddressMax of one address open, and one more when one of them has closed", () => {
    const quotas = new ConnectionQuotas(limitsOf({ connectionsPerAddressMax: 2 }))
    const [close] = [quotas.opened("a"), quotas.opened("a")]
    expect([quotas.mayUpgrade("a"), quotas.mayUpgrade("b")]).toEqual([false, true])
    close()
    expect(quotas.mayUpgrade("a")).toBe(true)
  })

  test("connectionsMax of all addresses open, and one more when one of them has closed", () => {
    const quotas = new ConnectionQuotas(limitsOf({ connectionsMax: 2 }))
    const closes = [quotas.opened("a"), quotas.opened("b")]
    expect(quotas.mayUpgrade("c")).toBe(false)
    for (const close of closes) close()
    expect(quotas.mayUpgrade("c")).toBe(true)
  })

  test("a minute's upgrades may come at once; those that another limit refuses do not count", () => {
    const quotas = new ConnectionQuotas(limitsOf({ upgradesPerAddressPerMinute: 3, connectionsPerAddressMax: 1 }))
    const close = quotas.opened("a")
    for (let i = 0; i < 5; i++) expect(quotas.mayUpgrade("a")).toBe(false)
    close()
    const asked = Array.from({ length: 4 }, () => quotas.mayUpgrade("a"))
    expect([...asked, quotas.mayUpgrade("b")]).toEqual([true, true, true, false, true])
  })

  test("are counted by address, and leave nothing behind when they have closed (I17)", () => {
    const quotas = new ConnectionQuotas(limitsOf())
    const closes = ["a", "a", "b"].map((address) => quotas.opened(address))
    expect(quotas.counts).toEqual({ ...NONE, connections: 3, addresses: 2 })
    closes[0]()
    expect(quotas.counts).toEqual({ ...NONE, connections: 2, addresses: 2 })
    for (const close of closes.slice(1)) close()
    expect(quotas.counts).toEqual(NONE)
  })
})

describe("principals (S7)", () => {
  test("create: an hour's documents may be made at once, by each owner", () => {
    const quotas = new ConnectionQuotas(limitsOf({ createsPerPrincipalPerHour: 2 }))
    quotas.create("ann")
    quotas.create("ann")
    expect(() => quotas.create("ann")).toThrow(limited)
    quotas.create("bo")
  })

  test("documentsPerPrincipalMax counts documents, not connections", () => {
    const quotas = new ConnectionQuotas(limitsOf({ documentsPerPrincipalMax: 2 }))
    const admit = (docId: string, owner = "ann") => quotas.admit({ owner, docId, pipe })
    const one = admit("one")
    for (const docId of ["two", "one", "two"]) admit(docId)
    expect(() => admit("three")).toThrow(limited)
    admit("three", "bo")
    one.leave()
    expect(() => admit("three")).toThrow(limited)
  })

  test("one over connectionsPerPrincipalMax is refused without a trace, and accepted after a leave", () => {
    const quotas = new ConnectionQuotas(limitsOf({ connectionsPerPrincipalMax: 2 }))
    const admit = () => quotas.admit({ owner: "ann", docId: "d", pipe })
    const members = [admit(), admit()]
    expect(admit).toThrow(limited)
    members.pop()?.leave()
    members.push(admit())
    expect(quotas.counts).toEqual({ ...NONE, owners: 1 })
    for (const quota of members) quota.leave()
    expect(quotas.counts).toEqual(NONE)
  })

  test("a small batch within the rate passes at once, a large one queues, one over the rate waits", async () => {
    const quotas = new ConnectionQuotas(limitsOf({ mutationsPerSecond: 1_000 }))
    const { pace } = quotas.admit({ owner: "ann", docId: "d", pipe })
    expect(pace.mutations(99)).toBe(undefined)
    await expect(pace.mutations(100)).resolves.toBe(undefined)
    expect(pace.mutations(3_900)).toBeInstanceOf(Promise)
    expect(pace.mutations(1)).toBeInstanceOf(Promise)
  })

  test("four seconds of mutations pass at once, and no more", async () => {
    const quotas = new ConnectionQuotas(limitsOf({ mutationsPerSecond: 10 }))
    const { pace } = quotas.admit({ owner: "ann", docId: "d", pipe })
    expect(pace.mutations(40)).toBe(undefined)
    expect(pace.mutations(1)).toBeInstanceOf(Promise)
  })

  test("what a quota's pipe is asked reaches the connection, and what it sends is counted", async () => {
    const calls: unknown[] = []
    const quotas = new ConnectionQuotas(limitsOf({ pageBytesPerSecond: 1 }))
    const quota = quotas.admit({
      owner: "ann",
      docId: "d",
      pipe: {
        unreadBytes: 0,
        send: (frame) => calls.push(frame),
        close: (reason) => calls.push(reason),
        listen: (listener) => calls.push(listener),
      },
    })
    const [frame, listener] = [new Uint8Array(10), { frame: () => {}, closed: () => {} }]
    quota.pipe.listen(listener)
    quota.pipe.send(frame)
    quota.pipe.close("gone")
    expect(calls).toEqual([listener, frame, "gone"])
    expect(quota.pace.news()).toBeInstanceOf(Promise)
    quota.leave()
  })
})

describe("frames that are not whole (I17)", () => {
  test("may reach exactly the address's limit; over it the newest that holds any is closed, once", () => {
    const quotas = new ConnectionQuotas(limitsOf({ unfinishedBytesPerAddressMax: 100 }))
    const cut: string[] = []
    const [old, idle, fresh] = ["old", "idle", "fresh"].map((name) => quotas.intake("a", () => cut.push(name)))
    old.hold(60)
    fresh.hold(40)
    expect([cut, quotas.counts.unfinishedBytes]).toEqual([[], 100])
    idle.hold(0)
    old.hold(61)
    expect([cut, quotas.counts.unfinishedBytes]).toEqual([["fresh"], 61])
    for (const share of [old, idle, fresh]) share.leave()
    expect(quotas.counts).toEqual(NONE)
  })

  test("of a connection that has left count no more, and hold nothing again", () => {
    const quotas = new ConnectionQuotas(limitsOf({ unfinishedBytesPerAddressMax: 100 }))
    const cut: string[] = []
    const [stays, leaves] = ["stays", "leaves"].map((name) => quotas.intake("a", () => cut.push(name)))
    leaves.hold(50)
    leaves.leave()
    leaves.hold(90)
    stays.hold(90)
    expect([cut, quotas.counts]).toEqual([[], { ...NONE, intakes: 1, unfinishedBytes: 90 }])
  })
})

describe("by default (I17)", () => {
  test("a hello with the longest token and 2,000 migrations fits, and no frame of data does", () => {
    expect(LIMITS.helloBytesMax).toBeGreaterThan(TOKEN_BYTES_MAX + 2_000 * 18)
    expect(LIMITS.helloBytesMax).toBeLessThan(FRAME_BYTES_MAX)
  })

  test("an address may have several frames under way, a principal several unread parts", () => {
    expect(LIMITS.unfinishedBytesPerAddressMax).toBeGreaterThanOrEqual(4 * FRAME_BYTES_MAX)
    expect(LIMITS.unreadBytesPerPrincipalMax).toBeGreaterThanOrEqual(4 * LIMITS.unreadBytesMax)
    expect(LIMITS.unreadBytesMax).toBeGreaterThan(4 * PART_BYTES_MAX)
  })

  test("a connection is stuck with less than what cuts it at once (T23)", () => {
    expect(LIMITS.stuckBytesMax).toBeLessThan(PART_BYTES_MAX)
  })

  test("a limit is a number greater than 0: a text that looks like one is refused", () => {
    for (const wrong of ["10", 0, -1, Number.NaN, null])
      expect(() => limitsOf({ idleMs: wrong as number })).toThrow(TypeError)
    expect(limitsOf({ idleMs: 0.5 })).toEqual({ ...LIMITS, idleMs: 0.5 })
  })
})
