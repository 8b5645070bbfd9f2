let hasAsked = false

/** Once per page, at the first edit: a browser that is short of space evicts storage that is not persistent. */
export function askToPersist(): void {
  if (hasAsked || typeof navigator === "undefined" || navigator.storage?.persist === undefined) return
  hasAsked = true
  navigator.storage.persist().catch(() => {}) // then it stays evictable
}
