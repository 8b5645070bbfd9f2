// Todo documents at rest, as a client has them that pulled the whole document once, and the client on top.
import { execFile } from "node:child_process"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { loadChecksum, lsn } from "@lf/core/internal"
import { Local, LocalStore, MemoryDisk } from "@lf/core/testing"
import { encodeWhole } from "../packages/core/dist/storage/delta.js"
import { loadSqlite } from "../packages/next/dist/node/load-sqlite.js"
import { nodeHost } from "../packages/next/dist/node/node-host.js"
import { seeded, mutator as todoMutator } from "./todos.mjs"

const EPOCH = "bench"

/** The first pull of a document: every page, whole. */
export function wholeChangeset(storage) {
  const pages = [...storage.snapshot()].map((page, i) => ({ pageNo: i + 1, deltas: [encodeWhole(page)] }))
  return { pageCount: pages.length, isWhole: true, before: null, after: storage.checksum, pages }
}

/** Writes a document into an opened log: rolled up, then the changes since one by one, as pulls brought them. */
export async function store(opened, storage, changes = []) {
  const client = new LocalStore(opened, nodeHost, Number.POSITIVE_INFINITY)
  client.receive({ epoch: EPOCH, cursor: lsn(1), changeset: wholeChangeset(storage) })
  await client.rollup()
  changes.forEach((changeset, i) => {
    client.receive({ epoch: EPOCH, cursor: lsn(i + 2), changeset })
  })
  await client.streams.close()
}

export async function openLocal(opened, { mutator = todoMutator, host = nodeHost } = {}) {
  const module = await loadSqlite()
  return new Local({ opened, module, mutator, host, user: null })
}

/** A client in memory with `rows` todos and nothing pending. */
export async function localWith(rows) {
  await loadChecksum()
  const { storage } = await seeded(rows)
  return await localOver(storage)
}

/** A client in memory whose base is `storage`, with nothing pending. */
export async function localOver(storage, options) {
  const disk = new MemoryDisk()
  await store(await disk.open("doc"), storage)
  return await openLocal(await disk.open("doc"), options)
}

/** A rolled-up document on disk, made by a process of its own. */
export async function persistInChild(directory, rows) {
  const script = fileURLToPath(new URL("./children/persist.mjs", import.meta.url))
  await promisify(execFile)(process.execPath, [script, directory, String(rows)])
}
