// The page of the first sync: a small document is open, so that the worker runs; the large one is opened when the benchmark asks.
import { sql } from "@lf/core"
import { LfProvider, useConnectionStatus, useQuery } from "@lf/react"
import { createElement, useState } from "react"
import { createRoot } from "react-dom/client"
import { LISTS } from "../todos.mjs"

const LIST = 7
const newest = sql`select * from todos where list_id = ${LIST} order by created_at desc limit 100`
const counted = sql`select count(*) as n from todos`

/** The last results by document, and by what they answer. */
const shown = new Map()
let waiting = []
let openDocument
let openCount

function Page() {
  const [doc, setDoc] = useState(null)
  const [isCounting, setCounting] = useState(false)
  openDocument = setDoc
  openCount = () => setCounting(true)
  return createElement(
    "main",
    null,
    provider("small", createElement(Rows, { name: "small", query: newest })),
    doc !== null && provider(doc, createElement(Rows, { name: doc, query: newest })),
    isCounting && provider(doc, createElement(Rows, { name: "count", query: counted })),
  )
}

function provider(doc, child) {
  return createElement(LfProvider, { doc, worker: connect }, child)
}

function Rows({ name, query }) {
  const { data } = useQuery(query)
  const { error } = useConnectionStatus()
  // Then the benchmark ends: what it measures needs the server.
  if (error !== null) reportError(error)
  shown.set(name, data)
  const atMs = performance.now()
  waiting = waiting.filter(({ holds, resolve }) => {
    if (!holds()) return true
    resolve(atMs)
    return false
  })
  return null
}

/** Resolves with the time of the first render for which `holds`. */
function until(holds) {
  return new Promise((resolve) => {
    if (holds()) resolve(performance.now())
    else waiting.push({ holds, resolve })
  })
}

function connect() {
  return new SharedWorker("/worker.js", { type: "module", name: "lf" })
}

window.bench = {
  ready: () => until(() => shown.get("small")?.length === 1),
  /** Milliseconds from the document's first render to that with its rows. */
  async sync(doc, rows) {
    const startedMs = performance.now()
    openDocument(doc)
    const expected = Math.min(100, Math.ceil(rows / LISTS))
    return (await until(() => shown.get(doc)?.length === expected)) - startedMs
  },
  async count() {
    openCount()
    await until(() => shown.get("count") !== undefined)
    return shown.get("count")[0].n
  },
  /** Milliseconds until all bytes of a plain download are here. */
  async download(port, bytes) {
    const socket = new WebSocket(`ws://127.0.0.1:${port}`)
    socket.binaryType = "arraybuffer"
    await new Promise((resolve, reject) => {
      socket.onopen = resolve
      socket.onerror = () => reject(new Error("the bare server does not answer"))
    })
    const request = new DataView(new ArrayBuffer(5))
    request.setUint8(0, "d".charCodeAt(0))
    request.setUint32(1, bytes, true)
    const startedMs = performance.now()
    let received = 0
    await new Promise((resolve) => {
      socket.onmessage = ({ data }) => {
        received += data.byteLength
        if (received >= bytes) resolve()
      }
      socket.send(request)
    })
    const ms = performance.now() - startedMs
    socket.close()
    if (received !== bytes) throw new Error(`the download has ${received} bytes of ${bytes}`)
    return ms
  },
}

createRoot(document.getElementById("root")).render(createElement(Page))
