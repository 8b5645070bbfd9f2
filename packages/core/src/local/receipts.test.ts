import { expect, test } from "vitest"
import { lsn } from "../base/lsn.ts"
import type { Outcome } from "../timeline/outcome.ts"
import { OUTCOMES_KEPT, Receipts } from "./receipts.ts"

const applied: Outcome = { type: "applied", lsn: lsn(1) }
const durable = Promise.resolve()

test("a receipt is found by its uid, open or decided, and is the same one (T28)", async () => {
  const receipts = new Receipts()
  const receipt = receipts.open("a", durable)
  expect([receipts.find("a"), receipts.find("b")]).toEqual([receipt, undefined])
  receipts.decide([
    { uid: "a", outcome: applied },
    { uid: "unknown", outcome: applied },
  ])
  expect(receipts.find("a")).toBe(receipt)
  expect(await receipt.remote).toEqual(applied)
  expect(receipt.uid).toBe("a")
})

test("the first decision stays", async () => {
  const receipts = new Receipts()
  const { remote } = receipts.open("a", durable)
  receipts.decide([{ uid: "a", outcome: applied }])
  receipts.decide([{ uid: "a", outcome: { type: "unknown", reason: "forgotten" } }])
  expect(await remote).toEqual(applied)
})

test("a mutation not kept rejects for its receipt's holder, and is no unhandled rejection", async () => {
  const lost = Promise.reject(new Error("disk"))
  const receipt = new Receipts().open("a", lost)
  await new Promise((resolve) => setTimeout(resolve, 0))
  await expect(receipt.durable).rejects.toThrow("disk")
})

test("what is discarded while it is open is unknown; what was decided stays so", async () => {
  const receipts = new Receipts()
  const [open, decided] = [receipts.open("open", durable), receipts.open("decided", durable)]
  receipts.decide([{ uid: "decided", outcome: applied }])
  receipts.discard()
  expect([await open.remote, await decided.remote]).toEqual([{ type: "unknown", reason: "discarded" }, applied])
})

test("a stopped document forgets its receipts, and decides none", async () => {
  const receipts = new Receipts()
  const open = receipts.open("open", durable)
  receipts.open("decided", durable)
  receipts.decide([{ uid: "decided", outcome: applied }])
  receipts.clear()
  expect([receipts.find("open"), receipts.find("decided")]).toEqual([undefined, undefined])
  receipts.decide([{ uid: "open", outcome: applied }])
  expect(await Promise.race([open.remote, Promise.resolve("open")])).toBe("open")
})

test(`of what was decided ${OUTCOMES_KEPT} are kept, the oldest go first (I17)`, () => {
  const receipts = new Receipts()
  const uids = Array.from({ length: OUTCOMES_KEPT + 2 }, (_, i) => `u${i}`)
  for (const uid of uids) receipts.open(uid, durable)
  receipts.decide(uids.slice(0, OUTCOMES_KEPT).map((uid) => ({ uid, outcome: applied })))
  expect(receipts.find("u0")).toBeDefined()
  receipts.decide(uids.slice(OUTCOMES_KEPT).map((uid) => ({ uid, outcome: applied })))
  const kept = [0, 1, 2, OUTCOMES_KEPT + 1].map((i) => receipts.find(`u${i}`) !== undefined)
  expect(kept).toEqual([false, false, true, true])
})
