import { beforeAll, beforeEach, expect, test } from "vitest"
import { loadChecksum } from "../base/checksum.ts"
import { lsn } from "../base/lsn.ts"
import { MemoryDisk } from "../journal/memory-log.ts"
import { Streams } from "../journal/streams.ts"
import { Database } from "../sqlite/database.ts"
import { Storage } from "../storage/storage.ts"
import { loadSqlite } from "../testing/small-world.ts"
import { readApplied } from "../timeline/internal-tables.ts"
import { defineMutator } from "../timeline/mutator.ts"
import { migrate } from "../timeline/schema.ts"
import { Timeline } from "../timeline/timeline.ts"
import { readOutcomes } from "./read-outcomes.ts"

beforeAll(loadChecksum)

const mutator = defineMutator({ migrations: [], mutations: [] })
const uidOf = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, "0")}`

let db: Database
let timeline: Timeline
beforeEach(async () => {
  db = new Database(await loadSqlite(), new Storage())
  migrate(db, mutator)
  timeline = new Timeline(new Streams(await new MemoryDisk().open("d")), { clientId: "me", mutator, user: null })
  for (let n = 1; n <= 5; n++) timeline.append({ uid: uidOf(n), name: "Add", args: n, at: n })
  timeline.drop(lsn(1))
})

const reject = (clientId: string, at: number, code: string) =>
  db.exec("insert into __lf_rejections values (?, ?, ?, ?)", clientId, at, uidOf(at), code)

test("what the base covers is applied at its cursor, or rejected with the base's code (I10)", () => {
  reject("me", 3, "full")
  const { decided, rejections } = readOutcomes({ db, timeline, dropTo: lsn(4), cursor: lsn(77), data: [] })
  const applied = { type: "applied", lsn: 77 }
  expect(decided).toEqual([
    { uid: uidOf(2), outcome: applied },
    { uid: uidOf(3), outcome: { type: "rejected", code: "full", data: null } },
    { uid: uidOf(4), outcome: applied },
  ])
  expect(rejections).toEqual([{ uid: uidOf(3), name: "Add", args: 3, at: 3, code: "full", data: null }])
})

test("a rejection's data is taken by its uid; that of others or of later ones is not read (I10)", () => {
  for (const at of [2, 5]) reject("me", at, "mine")
  reject("other", 3, "theirs")
  const data = [
    { lsn: lsn(2), uid: uidOf(2), code: "mine", data: { left: 0 } },
    { lsn: lsn(3), uid: uidOf(3), code: "theirs", data: "not mine" },
  ]
  const { decided, rejections } = readOutcomes({ db, timeline, dropTo: lsn(4), cursor: lsn(7), data })
  expect(decided.map(({ outcome }) => outcome.type)).toEqual(["rejected", "applied", "applied"])
  expect(rejections.map(({ uid, data: carried }) => [uid, carried])).toEqual([[uidOf(2), { left: 0 }]])
})

test("how far the base applied a client's mutations is its row, with its hash as written (I9)", () => {
  expect(readApplied(db, "me")).toBe(null)
  db.exec("insert into __lf_mutations values (?, ?, ?)", "me", 3, -1)
  db.exec("insert into __lf_mutations values (?, ?, ?)", "other", 9, 5)
  expect(readApplied(db, "me")).toEqual({ lsn: 3, hash: 2n ** 64n - 1n })
  expect(readApplied(db, "other")).toEqual({ lsn: 9, hash: 5n })
})
