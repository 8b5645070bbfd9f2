/** Storage is per user and document. Lengths distinguish ("a/b", "c") and ("a", "b/c"). */
export function storageKey(user: string | null, doc: string): string {
  return user === null ? `anonymous/${doc}` : `user/${user.length}/${user}/${doc}`
}

/** The key of this user's second log while it is sent: the anonymous log from before the user signed in (T26). */
export function claimKey(user: string, doc: string): string {
  return `claimed/${storageKey(user, doc)}`
}

/** The documents of this user among stored keys, each once. */
export function docsOf(user: string | null, keys: readonly string[]): string[] {
  const beginnings = user === null ? [storageKey(null, "")] : [storageKey(user, ""), claimKey(user, "")]
  const docs = beginnings.flatMap((beginning) =>
    keys.filter((key) => key.startsWith(beginning)).map((key) => key.slice(beginning.length)),
  )
  return [...new Set(docs)]
}

/** The Web Lock of the log's owner. The same in every version of the app (T20). */
export function ownerLock(key: string): string {
  return `lf/1/owner/${key}`
}
