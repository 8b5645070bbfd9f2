import { readSelection, type Selection } from "./caret.ts"

/** What a user entered into an element of the server's HTML before React hydrated it. */
export interface Entered {
  readonly text: string
  /** Null: as it is in the element. */
  readonly selection: Selection | null
}

type TextElement = HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement

/** React puts the server's text back into a textarea that it hydrates, so what is typed is noted as it is typed. */
const textareas = new WeakMap<Element, Entered>()

function note(element: HTMLTextAreaElement): void {
  textareas.set(element, { text: element.value, selection: readSelection(element) })
}

if (typeof document !== "undefined") {
  for (const one of document.querySelectorAll("textarea")) if (one.value !== one.defaultValue) note(one)
  document.addEventListener("input", ({ target }) => target instanceof HTMLTextAreaElement && note(target), true)
}

/** Null: nothing was entered; what the browser restored after a reload gives way to the row. */
export function enteredBefore(element: TextElement, row: string): Entered | null {
  const entered = textareas.get(element) ?? { text: element.value, selection: null }
  if (entered.text === initialText(element, row)) return null
  if (!isRestored(element)) return entered
  element.value = row
  return null
}

/** As `enteredBefore`, of a checkbox. */
export function tickedBefore(element: HTMLInputElement, row: boolean): boolean | null {
  if (element.checked === row) return null
  if (!isRestored(element)) return element.checked
  element.checked = row
  return null
}

/** What the browser made of the row's text: a colour, a date or an option may be another text. */
function initialText(element: TextElement, row: string): string {
  if (element instanceof HTMLSelectElement) {
    const options = Array.from(element.options)
    return (options.find((option) => option.defaultSelected) ?? options[0])?.value ?? ""
  }
  const untouched = element.cloneNode() as typeof element // a clone is of the same kind
  untouched.value = row
  return untouched.value
}

/** A browser that reloads a page or goes back to it fills its inputs again; only what has the focus was typed since. */
function isRestored(element: Element): boolean {
  const [navigation] = performance.getEntriesByType("navigation")
  const isNew = navigation === undefined || (navigation as PerformanceNavigationTiming).type === "navigate"
  return !isNew && element !== element.ownerDocument.activeElement
}
