import { spawn } from "node:child_process"
import { once } from "node:events"
import { readdir, readFile } from "node:fs/promises"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { inflateRawSync } from "node:zlib"
import { defineMutation, defineMutator, sql } from "@lf/core"
import { PAGE_BYTES } from "@lf/core/internal"
import { afterEach, expect, test } from "vitest"
import { z } from "zod"
import type { Chunk, Message } from "../../../core/src/network/message.ts"
import { applyDelta, isWhole } from "../../../core/src/storage/delta.ts"
import { mutationCodec } from "../../../core/src/timeline/mutation.ts"
import { backupDocument } from "../documents/backup.ts"
import { docDirectory } from "../documents/document-directory.ts"
import { FileStore } from "../documents/file-store.ts"
import { bundle } from "../testing/bundle.ts"
import { cleanUp, later, startServer, temporaryDirectory, until } from "../testing/fixture.ts"
import { type RawClient, rawClient } from "../testing/raw.ts"

afterEach(cleanUp)

let uids = 0
const mutation = (name: string, args: unknown) =>
  mutationCodec.encode({ uid: `00000000-0000-7000-8000-${String(++uids).padStart(12, "0")}`, name, args, at: 1 })

/** All that a client was sent, with pages uncompressed, or a canary would not be found. */
function receivedBy(client: RawClient): string {
  return client.said.map((message) => Buffer.concat([Buffer.from(plain(message)), ...pagesIn(message)])).join()
}

function plain(message: Message): string {
  return JSON.stringify(message, (key, value) =>
    key === "pages" || key === "block" || typeof value === "bigint" ? undefined : value,
  )
}

function pagesIn(message: Message): Uint8Array[] {
  if (message.type === "chunk") return [unpacked(message)]
  if (message.type !== "pages") return []
  const deltas = message.changeset.pages.flatMap((page) => page.deltas)
  return deltas.map((delta) => (isWhole(delta) ? applyDelta(undefined, delta) : delta))
}

function unpacked({ block, count }: Chunk): Uint8Array {
  return block.length === count * PAGE_BYTES ? block : inflateRawSync(block)
}

async function start(script: string, dataDir: string, output: Buffer[]) {
  const child = spawn(process.execPath, [script, dataDir], { stdio: ["ignore", "pipe", "pipe"] })
  later(() => child.kill("SIGKILL"))
  child.stdout.on("data", (data: Buffer) => output.push(data))
  child.stderr.on("data", (data: Buffer) => output.push(data))
  const [port] = await once(createInterface({ input: child.stdout }), "line")
  return { child, url: `ws://127.0.0.1:${port}/api/lf` }
}

test("no failure puts an argument, token or secret in the log or before other clients (S16)", {
  timeout: 60_000,
}, async () => {
  const dataDir = await temporaryDirectory()
  const script = await bundle("testing/canary-server.ts")
  const output: Buffer[] = []
  const first = await start(script, dataDir, output)
  const secret = new TextEncoder().encode("CANARY-secret".padEnd(32, "!"))
  const names = ["Refuse", "Throw", "Clash", "BadSql", "Spin"]
  const failing = [
    ...names.map((name) => mutation(name, { text: `CANARY-args-${name}` })),
    mutation("Keep", { text: `CANARY-too-long-${"x".repeat(200)}` }),
    mutation("Keep", { CANARY: ["CANARY-another-type"] }),
    mutation("Keep", { text: "CANARY-cut-off" }).slice(0, -4),
  ]
  const attempt = async (url: string) => {
    const [author, other] = [await rawClient(`${url}?CANARY=query`), await rawClient(url)]
    author.hello({ secret, token: "CANARY-token" })
    other.hello({ secret: new Uint8Array(32).fill(2) })
    await Promise.all([author.receives("welcome"), other.receives("welcome")])
    return { author, other }
  }
  const { author, other } = await attempt(first.url)
  author.push([...failing, mutation("Keep", { text: "kept and read by all" })])
  await author.receives("cursor")
  // A refused mutation ends its client id, so another client sends them.
  const unknown = await rawClient(first.url)
  unknown.hello({ secret: new Uint8Array(32).fill(3) })
  await unknown.receives("welcome")
  unknown.push(["Unknown", "CANARY-name"].map((name) => mutation(name, { text: `CANARY-args-${name}` })))
  await unknown.receives("refused")
  expect(receivedBy(unknown)).not.toContain("CANARY")
  author.ask()
  // Its author gets the rejection; otherwise this test would prove nothing.
  expect(receivedBy(author)).not.toContain("CANARY")
  await author.receives("chunk")
  expect(receivedBy(author)).toContain("CANARY-args-Refuse")
  other.ask()
  await other.receives("chunk")

  // Refused mutations and malformed frames.
  for (const [docId, token] of [
    ["doc", "bad-CANARY-token"],
    ["doc", "no-CANARY-token"],
    ["broken", ""],
    ["closed", ""],
    ["../CANARY", ""],
  ]) {
    const refused = await rawClient(first.url)
    refused.hello({ docId, token, secret })
    await refused.closed
    expect(receivedBy(refused)).not.toContain("CANARY")
  }
  author.push([mutation("Unsure", { text: "CANARY-args-Unsure" })])
  expect(await author.closed).toBe("AUTHORIZE_FAILED")
  const garbage = await rawClient(first.url)
  garbage.socket.send(Buffer.from("CANARY-garbage"))
  await garbage.closed

  // A crash between receiving and running, and what comes after it.
  const last = await rawClient(first.url)
  last.hello({ secret, token: "CANARY-token" })
  await last.receives("welcome")
  last.push([mutation("Spin", { text: "CANARY-args-crash" }), mutation("Throw", { text: "CANARY-args-after" })])
  first.child.kill("SIGKILL")
  await once(first.child, "exit")
  const second = await start(script, dataDir, output)
  const again = await attempt(second.url)
  again.other.ask()
  await again.other.receives("chunk")
  const isGone = once(second.child, "exit")
  second.child.kill("SIGTERM")
  await isGone

  const log = Buffer.concat(output).toString("latin1")
  expect(log).toMatch(/^lf: error authenticate-failed code=AUTH_REQUIRED detail="TypeError at /m)
  expect(log).toMatch(/^lf: error authorize-failed code=AUTHORIZE_FAILED doc=broken detail="RangeError at /m)
  for (const text of [log, receivedBy(other), receivedBy(again.other)]) {
    expect(text).not.toContain("CANARY")
    expect(text).not.toContain(Buffer.from("CANARY").toString("hex"))
  }
  expect(receivedBy(other)).toContain("kept and read by all")
})

test("deleted text is in no checkpoint, backup or page sent to a new client, FTS5 included (S12)", async () => {
  const canary = "xylophonecanary"
  const mutator = defineMutator({
    migrations: [
      sql`create table notes (id integer primary key, body text not null) strict`,
      sql`create virtual table words using fts5(body)`,
    ],
    mutations: [
      defineMutation("Write", z.object({ body: z.string() }), (tx, { body }) => {
        for (let i = 0; i < 50; i++) {
          tx.run(sql`insert into notes (body) values (${body})`)
          tx.run(sql`insert into words (body) values (${body})`)
        }
      }),
      defineMutation("Erase", z.object({}), (tx) => {
        tx.run(sql`delete from notes`)
        tx.run(sql`delete from words`)
      }),
    ],
  })
  const first = await startServer({ mutator })
  const { dataDir, path } = first
  const client = async (url: string, fill: number) => {
    const raw = await rawClient(url)
    raw.hello({ secret: new Uint8Array(32).fill(fill) })
    await raw.receives("welcome")
    raw.ask()
    await raw.receives("chunk")
    return raw
  }
  const author = await rawClient(first.url)
  author.hello()
  await author.receives("welcome")
  author.push([mutation("Write", { body: `${canary} ${"and more of it ".repeat(40)}` })])
  await author.receives("cursor")
  expect(receivedBy(await client(first.url, 1))).toContain(canary)
  author.push([mutation("Erase", {})])
  await until(() => author.said.filter(({ type }) => type === "cursor").length === 2, "erased")
  expect(receivedBy(await client(first.url, 2))).not.toContain("xylophone")
  // A stop writes the checkpoint. The journal beside it still has the mutation, until its author needs it no more.
  await first.stop()
  const directory = docDirectory(dataDir, "doc")
  const mains = (await readdir(directory)).filter((name) => name.startsWith("main-"))
  expect(mains).toHaveLength(1)
  expect((await readFile(join(directory, mains[0]))).includes("xylophone")).toBe(false)
  const file = join(await temporaryDirectory(), "backup.db")
  await backupDocument({ from: new FileStore(dataDir), docId: "doc", file })
  expect((await readFile(file)).includes("xylophone")).toBe(false)
  const second = await startServer({ mutator, dataDir, path })
  expect(receivedBy(await client(second.url, 3))).not.toContain("xylophone")
})
