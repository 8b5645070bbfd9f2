import { beforeAll, expect, test } from "vitest"
import { loadChecksum } from "../base/checksum.ts"
import { MemoryDisk } from "../journal/memory-log.ts"
import { host } from "../testing/small-world.ts"
import type { RejectedMutation } from "./local-entries.ts"
import { LocalStore } from "./local-store.ts"

beforeAll(() => loadChecksum())

test("what the server refused is one rejection, once durable, whichever flush was first (I10)", async () => {
  const store = new LocalStore(await new MemoryDisk().open("d"), host)
  const rejection: RejectedMutation = { uid: "u", name: "Add", args: {}, at: 0, code: "MUTATION_FORBIDDEN", data: null }
  let durable = 0
  store.refuse([rejection], () => durable++)
  expect([store.rejections, store.refused]).toEqual([[], [rejection]])
  const both = [store.flush(), store.flush()]
  expect(durable).toBe(0)
  await Promise.all(both)
  expect([durable, store.rejections, store.refused]).toEqual([1, [rejection], []])
  await store.rollup()
  expect(store.rejections).toEqual([rejection])
})
