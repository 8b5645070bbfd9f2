/** One text in localStorage that every tab sees. Where storage is full or forbidden it lives as long as this page. */
export interface StoredText {
  read(): string | null
  /** null: forgets it. */
  write(text: string | null): void
  /** Calls `listener` when this tab or another has written. Returns its undo. */
  subscribe(listener: () => void): () => void
}

export function storedText(key: string): StoredText {
  const listeners = new Set<() => void>()
  /** What was written last and could not be stored. */
  let unstored: { readonly text: string | null } | undefined
  return {
    read() {
      if (unstored !== undefined) return unstored.text
      try {
        return localStorage.getItem(key)
      } catch {
        return null
      }
    },
    write(text) {
      try {
        if (text === null) localStorage.removeItem(key)
        else localStorage.setItem(key, text)
        unstored = undefined
      } catch {
        unstored = { text }
      }
      for (const listener of listeners) listener()
    },
    subscribe(listener) {
      listeners.add(listener)
      window.addEventListener("storage", listener)
      return () => {
        listeners.delete(listener)
        window.removeEventListener("storage", listener)
      }
    },
  }
}
