let hasAsked = false

/** Once per page, at the first edit: a browser that is short of space evicts what did not ask to stay. */
export function askToPersist(): void {
  if (hasAsked || typeof navigator === "undefined" || navigator.storage?.persist === undefined) return
  hasAsked = true
  navigator.storage.persist().catch(() => {}) // it stays evictable; nothing to do about it
}
