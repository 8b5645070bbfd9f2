import { PART_BYTES_MAX } from "@lf/core/internal"
import { expect, test } from "vitest"
import { ConnectionQuotas } from "./connection-quotas.ts"
import { limitsOf } from "./limits.ts"

function fakePipe() {
  return { unreadBytes: 0, sent: 0, send: () => {}, close: () => {}, listen: () => {} }
}

/** Whether it is resolved by now, with some time for who looks again. */
async function isDone(work: Promise<void> | undefined): Promise<boolean> {
  let done = false
  void Promise.resolve(work).then(() => {
    done = true
  })
  await new Promise((resolve) => setTimeout(resolve, 60))
  return done
}

test("pages are made only for a client that has read the last ones (T23, S7)", async () => {
  const quotas = new ConnectionQuotas(limitsOf())
  const pipe = fakePipe()
  const quota = quotas.admit({ owner: "ann", docId: "d", pipe })
  expect(quota.pace.news()).toBe(undefined)
  expect(await isDone(quota.pace.pages())).toBe(true)
  pipe.unreadBytes = PART_BYTES_MAX + 1
  const waiting = [quota.pace.pages(), quota.pace.news()]
  expect(await Promise.all(waiting.map(isDone))).toEqual([false, false])
  pipe.unreadBytes = 0
  await Promise.all(waiting)
})

test("one principal's connections share an unread budget; other principals do not wait (S7)", async () => {
  const quotas = new ConnectionQuotas(limitsOf({ unreadBytesPerPrincipalMax: 1_000 }))
  const pipes = [fakePipe(), fakePipe(), fakePipe()]
  const [first, second, other] = pipes.map((pipe, i) => quotas.admit({ owner: i < 2 ? "ann" : "bo", docId: "d", pipe }))
  first.pipe.send(new Uint8Array(1_001))
  expect(await isDone(second.pace.pages())).toBe(true)
  first.pipe.send(new Uint8Array(1_001))
  pipes[0].unreadBytes = 1_001
  const waiting = second.pace.pages()
  expect(await isDone(waiting)).toBe(false)
  expect(await isDone(other.pace.pages())).toBe(true)
  pipes[0].unreadBytes = 0
  await waiting
})

test("unread bytes are summed up only after so many were sent, however many connections ask (S7)", () => {
  const quotas = new ConnectionQuotas(limitsOf({ unreadBytesPerPrincipalMax: 1_000 }))
  let looks = 0
  const pipe = () => ({
    ...fakePipe(),
    get unreadBytes() {
      looks++
      return 0
    },
  })
  const all = Array.from({ length: 50 }, () => quotas.admit({ owner: "ann", docId: "d", pipe: pipe() }))
  for (const { pace } of all) expect(pace.news()).toBe(undefined)
  expect(looks).toBe(50)
  all[0].pipe.send(new Uint8Array(1_001))
  for (const { pace } of all) expect(pace.news()).toBe(undefined)
  expect(looks).toBe(150)
})

test("page bytes over the rate wait until they are paid (S7)", async () => {
  const quotas = new ConnectionQuotas(limitsOf({ pageBytesPerSecond: 1_000 }))
  const quota = quotas.admit({ owner: "ann", docId: "d", pipe: fakePipe() })
  quota.pipe.send(new Uint8Array(4_000))
  expect(quota.pace.news()).toBe(undefined)
  quota.pipe.send(new Uint8Array(200))
  const startedMs = performance.now()
  await quota.pace.pages()
  expect(performance.now() - startedMs).toBeGreaterThan(150)
})

test("a connection that has left waits for nothing and leaves nothing behind", async () => {
  const quotas = new ConnectionQuotas(limitsOf({ connectionsPerPrincipalMax: 1 }))
  const pipe = fakePipe()
  const quota = quotas.admit({ owner: "ann", docId: "d", pipe })
  pipe.unreadBytes = PART_BYTES_MAX + 1
  const waiting = quota.pace.pages()
  expect(() => quotas.admit({ owner: "ann", docId: "d", pipe })).toThrow(
    expect.objectContaining({ code: "RATE_LIMITED" }),
  )
  quota.leave()
  await waiting
  quotas.admit({ owner: "ann", docId: "d", pipe }).leave()
})
