import { listIdPattern, newListId } from "../lists/list-id"

const visitKey = "lf.visit"

/** Where storage is forbidden: the page is rendered again when it is gone back to, and shows the same list. */
let visited: string | undefined

/**
 * The list of the first page: new with every visit, and the same as long as its tab is open. What the server renders is the same
 * for every list: hydration starts with the visit's own, and an input keeps what was typed before.
 */
export function listOfVisit(): string {
  if (typeof location === "undefined") return "server"
  visited ??= keptId()
  return visited
}

function keptId(): string {
  try {
    const kept = sessionStorage.getItem(visitKey)
    if (kept !== null && listIdPattern.test(kept)) return kept
    const id = newListId()
    sessionStorage.setItem(visitKey, id)
    return id
  } catch {
    return newListId()
  }
}
