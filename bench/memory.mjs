// This process's memory as Linux counts it, and its highest since `startMemory`.
import { readFileSync, writeFileSync } from "node:fs"

/** Bytes. */
export function memory() {
  const status = readFileSync("/proc/self/status", "utf8")
  const bytes = (name) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(status)?.[1]) * 1024
  return { rss: bytes("VmRSS"), rssMax: bytes("VmHWM") }
}

/** Frees what can be freed and starts the highest anew. */
export function startMemory() {
  // Wrappers of wasm memory are freed by one collection and the memory by the next.
  for (let i = 0; i < 3; i++) globalThis.gc?.()
  // 5: the kernel's word for it, proc(5).
  writeFileSync("/proc/self/clear_refs", "5")
  return memory()
}
