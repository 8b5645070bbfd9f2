// A process's memory as Linux counts it, and its highest since `startMemory` or `restartHighest`.
import { readFileSync, writeFileSync } from "node:fs"

/** Bytes. */
export function memory(pid = "self") {
  const status = readFileSync(`/proc/${pid}/status`, "utf8")
  const bytes = (name) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(status)?.[1]) * 1024
  return { rss: bytes("VmRSS"), rssMax: bytes("VmHWM") }
}

/** Frees what can be freed and starts the highest anew. */
export function startMemory() {
  // Wrappers of wasm memory are freed by one collection and the memory by the next.
  for (let i = 0; i < 3; i++) globalThis.gc?.()
  return restartHighest()
}

export function restartHighest(pid = "self") {
  // 5: the kernel's word for it, proc(5).
  writeFileSync(`/proc/${pid}/clear_refs`, "5")
  return memory(pid)
}
