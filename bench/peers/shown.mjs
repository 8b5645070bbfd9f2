// What a live query delivered last, and when the row that is waited for was its first.

export const LIST = 7
export const SHOWN_MAX = 100

/** A todo of the list that is shown, newer than all that are there. */
export function nextTodo(todo, i) {
  const { id, title, at } = todo(i)
  return { id, list: LIST, title, at }
}

export function shown() {
  let waiting = null
  let rows = []
  return {
    get rows() {
      return rows
    },
    /** Called by the live query with all its rows; `newestId` is the first one's. */
    deliver(next, newestId) {
      const nowMs = performance.now()
      rows = next
      if (waiting?.id !== newestId) return
      const { resolve, startedMs } = waiting
      waiting = null
      resolve(nowMs - startedMs)
    },
    /** Milliseconds from the call of `add` to the result that has the row. */
    measure(id, add) {
      return new Promise((resolve, reject) => {
        waiting = { id, resolve, startedMs: performance.now() }
        Promise.resolve(add()).catch(reject)
      })
    },
  }
}
