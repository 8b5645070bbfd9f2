import { beforeAll, expect, test } from "vitest"
import { loadChecksum } from "../base/checksum.ts"
import { MemoryDisk } from "../journal/memory-log.ts"
import { sql } from "../sqlite/sql.ts"
import { ScriptedServer } from "../testing/scripted-server.ts"
import type { Local } from "./local.ts"
import type { LocalProbe } from "./probe.ts"

beforeAll(loadChecksum)

const query = sql`select title from todos`

/** What a probe is called with. */
function record(local: Local): string[] {
  const seen: string[] = []
  const probe: LocalProbe = {
    stale: (_query, cause) => void seen.push(cause.type === "changed" ? `changed ${cause.pages.size > 0}` : cause.type),
    ran: (_query, ms) => void seen.push(`ran ${ms >= 0}`),
    mutated: ({ name }, { outcome, thrown }) => void seen.push(`${name} ${outcome.type} ${thrown !== undefined}`),
    decided: (outcomes) => void seen.push(...outcomes.map(({ outcome }) => outcome.type)),
  }
  local.probe = probe
  return seen
}

test("a probe sees each run with its cause, and each mutation with its outcome", async () => {
  const local = await new ScriptedServer().local(new MemoryDisk())
  const seen = record(local)
  const live = local.subscribe(query, () => {})
  await local.run("Add", { id: "1", title: "a" }).durable
  live.refresh(() => {})
  expect(() => local.run("Add", { id: "1", title: "a" })).toThrow()
  expect(seen).toEqual([
    "first",
    "ran true",
    "Add applied false",
    "changed true",
    "ran true",
    "refresh",
    "ran true",
    "Add rejected true",
  ])
  local.discard()
  expect(seen.at(-1)).toBe("unknown")
})

test("without a probe nothing is called, and states are read all the same", async () => {
  const local = await new ScriptedServer().local(new MemoryDisk())
  const seen = record(local)
  local.probe = null
  local.subscribe(query, () => {})
  local.subscribe(query, () => {})
  local.subscribe(sql`select nothing`, () => {})
  await local.run("Add", { id: "1", title: "a" }).durable
  expect(seen).toEqual([])
  expect(local.reads.states()).toMatchObject([
    { query, readers: 2, rowCount: 1, error: null },
    { readers: 1, rowCount: null, error: { code: "SQL_ERROR" } },
  ])
  expect(local.inside.timeline.pendingCount).toBe(1)
})
