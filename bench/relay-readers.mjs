// Many readers of one document at a server that relays it, against as many at the owner: one change until the last reader has it, a
// first sync of many together, and what each costs the database that carries the mail between the two.
import { loadChecksum } from "@lf/core/internal"
import pg from "pg"
import { startPostgres } from "../scripts/postgres.mjs"
import { watch } from "./fan-out.mjs"
import { row } from "./measure.mjs"
import { connectMany, entryOf, RawClient } from "./raw-client.mjs"
import { startServer } from "./server.mjs"
import { todo } from "./todos.mjs"
import { interleaveAsync } from "./turns.mjs"

const DOC = "doc"

export async function run({ quick }) {
  const count = quick ? 100 : 500
  const rounds = quick ? 20 : 60
  const rows = quick ? 2_000 : 10_000
  const postgres = await startPostgres()
  const client = new pg.Client({ connectionString: postgres.connectionString })
  const servers = []
  await loadChecksum()
  try {
    await client.connect()
    for (let i = 0; i < 2; i++) servers.push(await startServer(postgres.connectionString))
    const [owner, near] = servers
    await owner.ask("seed", { docId: DOC, rows })
    const writer = await RawClient.connect(owner.url, { docId: DOC })
    let next = rows
    const changeAt = (readers) => {
      const audience = watch(readers)
      return async () => {
        const startedMs = performance.now()
        const arrived = audience.reached(audience.cursor + 1)
        await writer.push([entryOf("AddTodo", todo(next), next++)])
        return (await arrived) - startedMs
      }
    }
    const readers = [await connectMany(near.url, DOC, count), await connectMany(owner.url, DOC, count)]
    const [atNear, atOwner] = readers.map(changeAt)
    for (let i = 0; i < 10; i++) await atNear()
    const oneChange = await interleaveAsync(rounds, atNear, atOwner)
    const changeMail = await mailOf(client, async () => void (await atNear()))
    for (const one of readers.flat()) one.close()
    const few = Math.ceil(count / 10)
    // The first ones by way of this server.
    const syncMail = await mailOf(client, () => firstSync(near.url, few))
    const synced = await interleaveAsync(
      5,
      () => firstSync(near.url, few),
      () => firstSync(owner.url, few),
    )
    writer.close()
    return [
      {
        ...row(
          "relay",
          `one change, ${count} readers at another server`,
          "ms",
          oneChange,
          "as many at the owner",
          "<= 3",
          changeMail,
        ),
        p99: oneChange.p99,
      },
      row(
        "relay",
        `${few} first syncs of ${rows} rows at another server`,
        "ms",
        synced,
        "as many at the owner",
        "<= 3",
        syncMail,
      ),
    ]
  } finally {
    await client.end()
    await Promise.all(servers.map((server) => server.stop()))
    await postgres.stop()
  }
}

/** Milliseconds until each of `count` new clients has all pages. */
async function firstSync(url, count) {
  const clients = await Promise.all(Array.from({ length: count }, () => RawClient.connect(url, { docId: DOC })))
  const startedMs = performance.now()
  await Promise.all(clients.map((client) => new Promise((resolve) => client.listen(resolve))))
  const ms = performance.now() - startedMs
  for (const client of clients) client.close()
  return ms
}

/** Until the readers have asked for what comes next. */
async function settle() {
  await new Promise((resolve) => setTimeout(resolve, 500))
}

/** What goes from server to server meanwhile: notices carry the same pieces where they are few and short. */
async function mailOf(client, work) {
  await settle()
  await client.query("create table counted (pieces bigint, bytes bigint)")
  await client.query(`create function count_mail() returns trigger language plpgsql as $$
    begin insert into counted select count(*), sum(length(body)) from fresh; return null; end $$`)
  await client.query(`create trigger counting after insert on lf.mail referencing new table as fresh
    for each statement execute function count_mail()`)
  await work()
  await settle()
  const { rows } = await client.query("select sum(pieces) as pieces, sum(bytes) / 1024 as kib from counted")
  await client.query("drop function count_mail cascade")
  await client.query("drop table counted")
  return { mail: Number(rows[0].pieces), KiB: Math.round(rows[0].kib) }
}
