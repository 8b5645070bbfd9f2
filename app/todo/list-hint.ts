import type { Todo } from "../lf/mutators"

const hintLengthMax = 80

/** The first todos, by which one recognises a list that has no name: cut between two words where there are any. */
export function listHint(todos: readonly Todo[]): string {
  const text = todos
    .slice(0, 3)
    .map((todo) => todo.title)
    .join(", ")
  if (text.length <= hintLengthMax) return text
  const cut = text.slice(0, hintLengthMax)
  const words = cut.replace(/[\s,]+\S*$/, "")
  // One long word is cut anywhere, but not through a character of two halves.
  return `${words === "" ? cut.replace(/[\uD800-\uDBFF]$/, "") : words}…`
}
