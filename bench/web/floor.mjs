// What any page with a stored document has to do: fetch and compile the wasm, and read the bytes.
import { readStored } from "./idb.mjs"

async function load() {
  const [, bytes] = await Promise.all([
    WebAssembly.compileStreaming(fetch("/wa-sqlite/dist/wa-sqlite.wasm")),
    readStored(),
  ])
  return { ms: performance.now(), bytes }
}

const loaded = load()
window.bench = { loaded: () => loaded }
