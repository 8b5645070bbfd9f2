// Comments that are not sent yet, in this tab: they outlive a reload and the way to another issue.

/** The oldest ones go. */
const COUNT_MAX = 20

type Drafts = readonly (readonly [issue: string, text: string])[]

export function draftOf(user: string, issue: string): string {
  return draftsOf(user).find(([one]) => one === issue)?.[1] ?? ""
}

/** "" removes it. */
export function keepDraft(user: string, issue: string, text: string): void {
  const others = draftsOf(user).filter(([one]) => one !== issue)
  const kept: Drafts = text === "" ? others : [...others, [issue, text] as const]
  try {
    sessionStorage.setItem(keyOf(user), JSON.stringify(kept.slice(-COUNT_MAX)))
  } catch {
    // A browser that keeps nothing: the text is in its field.
  }
}

/** On signing out. */
export function forgetDrafts(user: string): void {
  sessionStorage.removeItem(keyOf(user))
}

function draftsOf(user: string): Drafts {
  return JSON.parse(sessionStorage.getItem(keyOf(user)) ?? "[]") as Drafts // kept above
}

const keyOf = (user: string) => `tracker-drafts ${user}`
