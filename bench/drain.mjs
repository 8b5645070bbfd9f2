// A client with pending mutations meets its server, both in this process: milliseconds until all are decided.
import { MemoryNetwork, Session } from "@lf/core/internal"
import { MemoryDisk, Remote, serve } from "@lf/core/testing"
import { loadSqlite } from "../packages/next/dist/node/load-sqlite.js"
import { nodeHost } from "../packages/next/dist/node/node-host.js"
import { openLocal } from "./stored.mjs"
import { mutator, todo } from "./todos.mjs"

export async function drained(rows, pending) {
  const disk = new MemoryDisk()
  const remote = await Remote.recover({ opened: await disk.open("server"), loadSqlite, mutator, host: nodeHost })
  const network = new MemoryNetwork((pipe) => void serve(pipe, nodeHost, remote))
  const local = await openLocal(await disk.open("client"))
  const session = new Session({ docId: "todos", local, network, host: nodeHost, onChange: () => {} })
  await add(local, 0, rows)
  await settled(local)
  session.setOnline(false)
  await add(local, rows, pending)
  const startedMs = performance.now()
  session.setOnline(true)
  const endedMs = await settled(local)
  if (remote.checksum !== local.base.checksum) throw new Error("client and server have different pages")
  session.stop()
  await local.close()
  await remote.close()
  return endedMs - startedMs
}

/** Resolves when all of it is durable. */
async function add(local, from, count) {
  let last
  for (let i = from; i < from + count; i++) last = local.run("AddTodo", todo(i))
  await last?.durable
}

function settled(local) {
  return new Promise((resolve) => {
    const look = () => {
      if (local.pendingCount > 0) return
      stop()
      resolve(performance.now())
    }
    const stop = local.watch(look)
    look()
  })
}
