import { type Mutation, sql } from "@lf/core"
import { Local, loadChecksum, MemoryDisk } from "@lf/core/internal"
import { beforeAll, beforeEach, describe, expect, test } from "vitest"
import { browserHost } from "../platform/browser/browser-host.ts"
import { loadSqliteAnywhere } from "../platform/memory/load-sqlite.ts"
import { itemsMutator } from "../testing/worker-scene.ts"
import { DocumentProbe, MUTATION_ARGS_CHARS_MAX, MUTATIONS_MAX, PENDING_SHOWN_MAX } from "./document-probe.ts"
import { QUERIES_MAX } from "./query-log.ts"
import { CELL_CHARS_MAX, QUERY_ROWS_MAX, readSql, readTableRows, readTables, TABLE_ROWS_MAX } from "./shown-rows.ts"

beforeAll(loadChecksum)

let local: Local
beforeEach(async () => {
  const opened = await new MemoryDisk().open("d")
  const module = await loadSqliteAnywhere()
  local = new Local({ opened, module, mutator: itemsMutator, host: browserHost, user: null })
})

const names = { user: null, doc: "d" }
const mutation = (n: number, args: unknown = n): Mutation => ({ uid: `uid ${n}`, name: "Add", args, at: n })
const applied = { outcome: { type: "applied" }, thrown: undefined, ms: 1 } as const

describe("what is kept of a document has its limits", () => {
  test("mutations: the oldest ones are forgotten, and of many pending ones the first are shown", async () => {
    for (let n = 0; n < PENDING_SHOWN_MAX + 50; n++) local.run("Add", `item ${n}`)
    const probe = new DocumentProbe(local)
    expect(probe.mutations().length).toBe(PENDING_SHOWN_MAX)
    for (let n = 0; n < MUTATIONS_MAX + 10; n++) probe.mutated(mutation(n), applied)
    const own = probe.mutations().filter(({ uid }) => uid.startsWith("uid"))
    expect([own.length, own.at(-1)?.uid]).toEqual([MUTATIONS_MAX, "uid 10"])
  })

  test("arguments: long ones are cut, and what has no JSON is shown all the same", () => {
    const probe = new DocumentProbe(local)
    probe.mutated(mutation(1, "x".repeat(MUTATION_ARGS_CHARS_MAX)), applied)
    probe.mutated(mutation(2, { big: 5n, bytes: new Uint8Array(3) }), applied)
    probe.mutated({ ...mutation(3), args: undefined }, applied)
    const [none, plain, long] = probe.mutations().map(({ args }) => args)
    expect([none, plain, long.length]).toEqual([
      "undefined",
      '{"big":"5n","bytes":"3 bytes"}',
      MUTATION_ARGS_CHARS_MAX + 1,
    ])
  })

  test("queries: the one that ran longest ago is forgotten", () => {
    const probe = new DocumentProbe(local)
    const queries = [0, 1].map((n) => sql`select ${n}`)
    for (const query of queries) local.subscribe(query, () => {})
    expect(probe.queries(names).map(({ runs }) => runs)).toEqual([1, 1])
    for (let n = 0; n < QUERIES_MAX - 1; n++) probe.ran(sql`select ${`other ${n}`}`, 1)
    expect(probe.queries(names).map(({ runs, cause }) => [runs, cause.type])).toEqual([
      [0, "unseen"],
      [1, "first"],
    ])
  })
})

test("a mutation from before the panel was opened gets its outcome as well, and an unknown one has none", () => {
  const { uid } = local.run("Add", "early")
  const probe = new DocumentProbe(local)
  expect(probe.mutations()).toMatchObject([{ uid, outcome: "pending", ms: null }])
  probe.decided([
    { uid, outcome: { type: "rejected", code: "MUTATION_THREW", data: { message: "no such table" } } },
    { uid: "not here", outcome: { type: "unknown", reason: "forgotten" } },
  ])
  expect(probe.mutations()).toMatchObject([
    { uid, outcome: "rejected", error: { code: "MUTATION_THREW", message: "no such table" } },
  ])
})

describe("why a query ran", () => {
  test("a change of more pages than are remembered, and one after an error, differ from others", () => {
    const probe = new DocumentProbe(local)
    const query = sql`select id from items`
    local.subscribe(query, () => {})
    probe.stale(query, { type: "changed", pages: new Set(Array.from({ length: 5_000 }, (_, i) => i + 2)) })
    const [{ cause }] = probe.queries(names)
    const pages = cause.type === "changed" ? cause.sources.reduce((sum, one) => sum + one.pages, 0) : 0
    expect(pages).toBe(1_000)
    probe.stale(query, { type: "changed", pages: new Set() })
    expect(probe.queries(names)[0].cause).toEqual({ type: "failed" })
  })

  test("a query that fails has its error, and no rows", () => {
    const probe = new DocumentProbe(local)
    local.subscribe({ sql: "select nothing", parameters: ["text", 1, new Uint8Array(2)] }, () => {})
    expect(probe.queries(names)).toMatchObject([
      { rows: null, error: { code: "SQL_ERROR" }, parameters: ['"text"', "1", "2 bytes"] },
    ])
  })
})

describe("rows that are shown have their limits", () => {
  test("of a table, of a query, and of a cell", async () => {
    for (let n = 0; n < QUERY_ROWS_MAX + 5; n++) local.run("Add", `item ${n}`)
    expect((await readTableRows(local, "items", 0)).rows.length).toBe(TABLE_ROWS_MAX)
    const all = await readSql(local, "select id, printf('%.*c', 5000, 'x') x from items")
    expect([all.rows.length, all.count]).toEqual([QUERY_ROWS_MAX, QUERY_ROWS_MAX + 5])
    expect(all.rows[0][1].text.length).toBe(CELL_CHARS_MAX + 1)
  })

  test("tables past the time for counting have no count", async () => {
    expect((await readTables(local, () => 0))[0].rows).toBe(0)
    const times = [0, 201]
    const slow = await readTables(local, () => times.shift() ?? 0)
    expect(slow.map(({ rows }) => rows)).toEqual([null])
  })
})
