// node children/reopen.mjs ours|raw <directory>: prints the milliseconds of one opening.
import { readdir, readFile } from "node:fs/promises"
import { createRequire } from "node:module"
import { join } from "node:path"
import { sql } from "@lf/core"
import { loadChecksum, newInstance } from "@lf/core/internal"
import { Local } from "@lf/core/testing"
import factory from "wa-sqlite/dist/wa-sqlite.mjs"
import { openFsLog } from "../../packages/next/dist/node/fs-log.js"
import { nodeHost } from "../../packages/next/dist/node/node-host.js"
import { LIST, SHOWN_MAX } from "../peers/shown.mjs"
import { mutator } from "../todos.mjs"

const [mode, directory] = process.argv.slice(2)
const wasm = createRequire(import.meta.url).resolve("wa-sqlite/dist/wa-sqlite.wasm")

async function startWasm() {
  const code = await WebAssembly.compile(await readFile(wasm))
  return newInstance(factory, (imports) => WebAssembly.instantiate(code, imports))
}

async function ours() {
  const [opened, module] = await Promise.all([openFsLog(directory), startWasm()])
  const local = new Local({ opened, module, mutator, host: nodeHost, user: null })
  const rows = local.query(sql`select * from todos where list_id = ${LIST} order by created_at desc limit ${SHOWN_MAX}`)
  if (rows.length === 0) throw new Error("the list is empty")
  return local
}

async function raw() {
  const names = await readdir(directory, { withFileTypes: true })
  const files = names.filter((one) => one.isFile()).map(({ name }) => readFile(join(directory, name)))
  await Promise.all([startWasm(), ...files])
}

await loadChecksum()
const startedMs = performance.now()
const local = await (mode === "ours" ? ours() : raw())
const ms = performance.now() - startedMs
const found = local?.query(sql`select count(*) as n from todos`)[0].n
await local?.close()
process.stdout.write(JSON.stringify({ ms, found }))
