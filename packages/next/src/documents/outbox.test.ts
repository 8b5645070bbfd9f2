import { defineMutation, defineMutator, sql } from "@lf/core"
import { afterEach, expect, test } from "vitest"
import { z } from "zod"
import { mutationCodec } from "../../../core/src/timeline/mutation.ts"
import { cleanUp, startServer, type TestServer } from "../testing/fixture.ts"
import { rawClient } from "../testing/raw.ts"

afterEach(cleanUp)

const Order = defineMutation("Order", z.object({ what: z.string() }), (tx, { what }) => {
  // A mutation's first id comes from its uid: the same at every run, so a mail is known by it.
  tx.run(sql`insert into outbox (id, what) values (${tx.id()}, ${what})`)
})
const Sent = defineMutation("Sent", z.object({ id: z.string() }), (tx, { id }) => {
  tx.run(sql`delete from outbox where id = ${id}`)
})
const mutator = defineMutator({
  migrations: [sql`create table outbox (id text primary key, what text not null) strict`],
  mutations: [Order, Sent],
})

const waiting = sql<{ id: string; what: string }>`select id, what from outbox order by id`

test("an applied mutation's side effect runs at least once, under one key, over crashes (S19)", async () => {
  const mails = new Map<string, string[]>()
  /** The app's job. `crashAfter`: it ends between a mail and the note that it was sent. */
  const work = async ({ lf }: TestServer, crashAfter = Number.POSITIVE_INFINITY) => {
    const doc = lf.document("doc", { as: "system" })
    for (const { id, what } of await doc.query(waiting)) {
      mails.set(id, [...(mails.get(id) ?? []), what])
      if (--crashAfter === 0) return
      await doc.mutate(Sent, { id })
    }
  }
  const first = await startServer({ mutator })
  const { dataDir, path } = first
  const raw = await rawClient(first.url)
  raw.hello()
  await raw.receives("welcome")
  const orders = ["tea", "milk", "sugar"].map((what, i) =>
    mutationCodec.encode({ uid: `00000000-0000-7000-8000-00000000000${i}`, name: "Order", args: { what }, at: 1 }),
  )
  raw.push(orders)
  await raw.receives("cursor")
  await work(first, 2)
  await first.stop()
  const second = await startServer({ mutator, dataDir, path })
  // The author sends again what it had no answer for: nothing is applied twice.
  const again = await rawClient(second.url)
  again.hello()
  expect(await again.receives("welcome")).toMatchObject({ clientLsn: 3 })
  await work(second)
  await work(second)
  expect([...mails.values()].map((whats) => new Set(whats).size)).toEqual([1, 1, 1])
  expect([...mails.values()].flat().toSorted()).toEqual(["milk", "milk", "sugar", "tea"])
})
