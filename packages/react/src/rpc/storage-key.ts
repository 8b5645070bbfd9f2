/** Storage is per user and document. Lengths keep ("a/b", "c") and ("a", "b/c") apart. */
export function storageKey(user: string | null, doc: string): string {
  return user === null ? `anonymous/${doc}` : `user/${user.length}/${user}/${doc}`
}

/** Where a second log of this user's lies while it is emptied: what nobody wrote before the user signed in (T26). */
export function claimKey(user: string, doc: string): string {
  return `claimed/${storageKey(user, doc)}`
}

/** The Web Lock of whoever may open the log. Versions of the app differ, this name never does (T20). */
export function ownerLock(key: string): string {
  return `lf/1/owner/${key}`
}
