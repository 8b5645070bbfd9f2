import { cp } from "node:fs/promises"
import { defineMutation, defineMutator, sql } from "@lf/core"
import { afterEach, expect, test } from "vitest"
import { z } from "zod"
import { mutationCodec } from "../../../core/src/timeline/mutation.ts"
import { cleanUp, startServer, temporaryDirectory, until } from "../testing/fixture.ts"
import { rawClient } from "../testing/raw.ts"
import type { AppliedEvent } from "./document-opener.ts"

afterEach(cleanUp)

const Order = defineMutation("Order", z.object({ what: z.string() }), (tx, { what }) => {
  tx.run(sql`insert into orders values (${what})`)
})
const mutator = defineMutator({ migrations: [sql`create table orders (what text) strict`], mutations: [Order] })

test("onApplied gets client and server mutations in order, and retries after a kill (S19)", async () => {
  const events: AppliedEvent[] = []
  let isDown = false
  const onApplied = async (event: AppliedEvent) => {
    events.push(event)
    if (isDown) throw new Error("the mail server is down")
  }
  const first = await startServer({ mutator, onApplied })
  const raw = await rawClient(first.url)
  raw.hello()
  await raw.receives("welcome")
  const uid = "00000000-0000-7000-8000-000000000001"
  raw.push([mutationCodec.encode({ uid, name: "Order", args: { what: "tea" }, at: 1 })])
  await raw.receives("cursor")
  await until(() => events.length === 1, "the first")
  expect(events[0]).toMatchObject({ docId: "doc", uid, name: "Order", args: { what: "tea" }, lsn: 1, user: null })
  isDown = true
  await first.lf.document("doc", { as: { id: "ann" } }).mutate(Order, { what: "milk" })
  await until(() => events.length === 2, "the second, in vain")
  // What a server that is killed now leaves, while the first one still waits to try again.
  const dataDir = await temporaryDirectory()
  await cp(first.dataDir, dataDir, { recursive: true, filter: (file) => !file.endsWith(".lock") })
  await first.stop()
  const before = events.length
  isDown = false
  const second = await startServer({ mutator, onApplied, dataDir })
  expect(await second.lf.document("doc", { as: "system" }).query(sql`select what from orders`)).toHaveLength(2)
  await until(() => events.length > before, "the second again")
  expect(events.at(-1)).toEqual(events[1])
  expect(events[1]).toMatchObject({ docId: "doc", args: { what: "milk" }, user: "ann" })
})
