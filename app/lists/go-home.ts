/** Where localStorage keeps the index of lists. */
export const listsKey = "lf.lists"

/**
 * From `/list` to the last list, or to a new one. The page runs its text as an inline script, before anything is painted: it may use
 * nothing from outside itself.
 */
export function goHome(key: string): void {
  let id: unknown
  try {
    id = JSON.parse(localStorage.getItem(key) ?? "[]")[0]?.id
  } catch {
    // Nothing readable is stored: a new user.
  }
  if (typeof id !== "string" || !/^[A-Za-z0-9_-]{1,64}$/.test(id)) {
    const bytes = crypto.getRandomValues(new Uint8Array(16))
    id = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")
    try {
      // It has no other: the list that begins now is the index.
      localStorage.setItem(key, JSON.stringify([{ id, isMadeHere: true }]))
    } catch {
      // Nothing can be stored: the list works, and the index stays empty.
    }
  }
  location.replace(`/l/${id}${location.hash}`)
}
