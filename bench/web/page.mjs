// The page of the browser rows: a hook on the newest 100 of one list, and functions that measure, called by web.mjs.
// The address says which document: /?doc=one
import { sql } from "@lf/core"
import { LfProvider, useConnectionStatus, useMutation, useQuery } from "@lf/react"
import { createElement, useState } from "react"
import { createRoot } from "react-dom/client"
import { AddTodo, LISTS, todo } from "../todos.mjs"
import { lastGroupBytes, strictPut } from "./idb.mjs"

const LIST = 7
const newest = sql`select * from todos where list_id = ${LIST} order by created_at desc limit 100`
const doc = new URLSearchParams(location.search).get("doc") ?? "doc"

/** What the hooks gave last. */
const hooks = { rows: undefined, add: null, peerRows: [], setPeerRows: null }
/** Milliseconds after the navigation began, when the hook had its first rows. */
let firstRowsMs = null
let waiting = []

function Todos() {
  const { data } = useQuery(newest)
  const { error } = useConnectionStatus()
  // Then the benchmark ends: what it measures needs the server.
  if (error !== null) reportError(error)
  const add = useMutation(AddTodo)
  if (data !== undefined) firstRowsMs ??= performance.now()
  // In the render and not in an effect: here the hook has the data.
  Object.assign(hooks, { rows: data, add })
  settle(performance.now())
  return list(data)
}

/** The peer's rows in a component of the same kind. */
function PeerTodos() {
  const [rows, setRows] = useState([])
  Object.assign(hooks, { peerRows: rows, setPeerRows: setRows })
  settle(performance.now())
  return list(rows)
}

function list(rows) {
  return createElement(
    "ul",
    null,
    rows?.map(({ id, title }) => createElement("li", { key: id }, title)),
  )
}

function settle(atMs) {
  waiting = waiting.filter(({ holds, resolve }) => {
    if (!holds()) return true
    resolve(atMs)
    return false
  })
}

/** Resolves with the time of the first render for which `holds`. */
function until(holds) {
  return new Promise((resolve) => {
    waiting.push({ holds, resolve })
  })
}

let peer = null
let peerPuts = null
let made = 0

window.bench = {
  firstRows: async () => {
    if (firstRowsMs === null) await until(() => hooks.rows !== undefined)
    return { ms: firstRowsMs, count: hooks.rows.length }
  },
  /** Resolves when the list has as many rows as it should after the first sync. */
  synced: async (rows) => {
    const expected = Math.min(100, Math.ceil(rows / LISTS))
    if (hooks.rows?.length !== expected) await until(() => hooks.rows?.length === expected)
  },
  async visible(times) {
    const samples = []
    for (let i = 0; i < times; i++) {
      const args = freshTodo()
      const seen = until(() => hooks.rows?.some(({ id }) => id === args.id) === true)
      const startedMs = performance.now()
      const receipt = hooks.add.mutateAsync(args)
      samples.push((await seen) - startedMs)
      // The next one starts when all of this one is over, as between two edits of a person.
      if ((await (await receipt).remote).type !== "applied") throw new Error("AddTodo was rejected")
    }
    return samples
  },
  async durable(times) {
    const samples = []
    for (let i = 0; i < times; i++) {
      const startedMs = performance.now()
      const receipt = await hooks.add.mutateAsync(freshTodo())
      samples.push(performance.now() - startedMs)
      await receipt.remote
    }
    return samples
  },
  lastGroupBytes,
  async strictPut(times, bytes) {
    peerPuts ??= await strictPut(bytes)
    const samples = []
    for (let i = 0; i < times; i++) samples.push(await peerPuts())
    return samples
  },
  /** `name`: a script beside this one, which no other page loads. */
  async openPeer(name, rows) {
    const todos = Array.from({ length: rows }, (_, i) => todo(i))
    const { peerWith } = await import(`/${name}.js`)
    peer = await peerWith(todos, LIST, hooks.setPeerRows)
    return peer.count()
  },
  async visiblePeer(times) {
    const samples = []
    for (let i = 0; i < times; i++) {
      const args = freshTodo()
      const seen = until(() => hooks.peerRows.some(({ id }) => id === args.id))
      const startedMs = performance.now()
      const kept = peer.add(args)
      samples.push((await seen) - startedMs)
      await kept
    }
    return samples
  },
  countPeer: () => peer.count(),
}

/** Newer than all that there are, so that the list shows it first. */
function freshTodo() {
  const { id, title, at } = todo(10_000_000 + made++)
  return { id, list: LIST, title, at }
}

function connect() {
  return new SharedWorker("/worker.js", { type: "module", name: "lf" })
}

createRoot(document.getElementById("root")).render(
  createElement(
    "main",
    null,
    createElement(LfProvider, { doc, worker: connect }, createElement(Todos)),
    createElement(PeerTodos),
  ),
)
