// AddTodo on a client of one server until the live query of a client of another server has the row, while a third server owns the
// document: all three share one PostgreSQL and reach each other through it alone. Against three commits of that PostgreSQL.
// Then what sockets cost a server that relays them.

import { sql } from "@lf/core"
import pg from "pg"
import { startPostgres } from "../scripts/postgres.mjs"
import { LIST, watch } from "./live-list.mjs"
import { median, row } from "./measure.mjs"
import { connectMany } from "./raw-client.mjs"
import { realClient } from "./real-client.mjs"
import { startServer } from "./server.mjs"
import { todo } from "./todos.mjs"
import { percentile } from "./turns.mjs"

const COMMITS = 3
/** What one row of the log takes here, about. */
const COMMIT_BYTES = 600
const SLOWER_MICROS = 2_000
const WARM_ROUNDS = 10

export async function run({ quick }) {
  const rounds = quick ? 60 : 300
  const postgres = await startPostgres()
  const { connectionString } = postgres
  const client = new pg.Client({ connectionString })
  const servers = []
  try {
    await client.connect()
    for (let i = 0; i < 3; i++) servers.push(await startServer(connectionString))
    const [owner, near] = servers
    await owner.ask("seed", { docId: "doc", rows: 1_000 })
    await client.query("create table commits (bytes bytea)")
    const fast = await writes({ servers, client, rounds, from: 1_010, variant: "AddTodo through another server" })
    // As on a disk of a network: each commit waits so much longer.
    await client.query(`alter system set commit_delay = ${SLOWER_MICROS}`)
    await client.query("alter system set commit_siblings = 0")
    await client.query("select pg_reload_conf()")
    const slow = await writes({
      servers,
      client,
      rounds,
      from: 1_020 + rounds,
      variant: "the same with slower commits",
    })
    return [fast, slow, await idleSockets(near, quick ? 500 : 10_000)]
  } finally {
    await client.end()
    await Promise.all(servers.map((server) => server.stop()))
    await postgres.stop()
  }
}

/** An author at the second server, a reader at the third. */
async function writes({ servers: [, near, far], client, rounds, from, variant }) {
  const [author, reader] = await Promise.all([realClient(near.url, "doc"), realClient(far.url, "doc")])
  const live = watch(reader.local)
  const [{ n: before }] = reader.local.query(sql`select count(*) as n from todos`)
  const own = []
  const commits = []
  for (let round = -WARM_ROUNDS; round < rounds; round++) {
    const args = { ...todo(from + WARM_ROUNDS + round), list: LIST }
    const startedMs = performance.now()
    const seen = live.shows(args.id)
    const { remote } = author.local.run("AddTodo", args)
    const ms = (await seen) - startedMs
    if ((await remote).type !== "applied") throw new Error("AddTodo was rejected")
    const commitMs = await timed(() => client.query("insert into commits values ($1)", [Buffer.alloc(COMMIT_BYTES)]))
    if (round < 0) continue
    own.push(ms)
    commits.push(commitMs)
  }
  live.check(rounds + WARM_ROUNDS, before)
  await Promise.all([author.close(), reader.close()])
  const figures = { value: median(own), peerValue: COMMITS * median(commits), n: rounds }
  const extra = { p99: percentile(own, 0.99), commitMs: median(commits) }
  return { ...row("relay", variant, "ms", figures, `${COMMITS} commits`, "<= 1"), ...extra }
}

async function idleSockets(server, count) {
  const before = await server.ask("usage")
  const clients = await connectMany(server.url, "doc", count)
  for (const one of clients) one.listen()
  await new Promise((resolve) => setTimeout(resolve, 1_000))
  const after = await server.ask("usage")
  for (const one of clients) one.close()
  const bytes = (after.rss - before.rss) / count
  return row(
    "relay",
    `${count} idle sockets`,
    "KiB each",
    { value: bytes / 1024, peerValue: 32, n: 1 },
    "a limit",
    "<= 1",
  )
}

async function timed(work) {
  const startedMs = performance.now()
  await work()
  return performance.now() - startedMs
}
