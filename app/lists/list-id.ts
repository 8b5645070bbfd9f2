/** 128 random bits, because a list's link is also its key. lf's `newId()` begins with the time and has fewer. */
export function newListId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")
}

export const listIdPattern = /^[A-Za-z0-9_-]{1,64}$/
