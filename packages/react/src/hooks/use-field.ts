"use client"
import { LfError } from "@lf/core"
import {
  type RefObject,
  useCallback,
  useEffect,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
  useSyncExternalStore,
} from "react"
import { enteredBefore, tickedBefore } from "./before-hydration.ts"
import { mapSelection, readSelection, type Selection } from "./caret.ts"
import { type CommitWhen, Field } from "./field.ts"

const PAUSE_MS = 300
/** A server has no layout. */
const useBrowserLayoutEffect = typeof window === "undefined" ? useEffect : useLayoutEffect

export interface FieldOptions<V> {
  /** When a draft is committed: at each change (one commit at a time, so fast typing makes few), after a pause, or on blur. */
  readonly when?: CommitWhen
  /** Length of the pause, in milliseconds. Default: 300. */
  readonly pauseMs?: number
  /**
   * Identifies the row, where one component shows one after the other: with another key, the draft is committed to the
   * row that it was typed for, and the field starts again. A React `key` on the component does the same.
   */
  readonly key?: string | number
  /** From the input's text. What it throws is the field's error, and is not committed. By default for texts and numbers. */
  readonly parse?: (text: string) => V
  /** To the input's text. */
  readonly format?: (value: V) => string
}

type TextElement = HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement

interface ChangeOf<Element> {
  readonly currentTarget: Element
  readonly nativeEvent: object
}

/** For `<input>`, `<textarea>` and `<select>`. */
export interface InputProps {
  readonly value: string
  readonly onChange: (event: ChangeOf<TextElement>) => void
  readonly ref: (element: TextElement | null) => void
}

/** For `<input type="checkbox">`. */
export interface CheckboxProps {
  readonly checked: boolean
  readonly onChange: (event: ChangeOf<HTMLInputElement>) => void
  readonly ref: (element: HTMLInputElement | null) => void
}

export interface FieldResult<V> {
  /** What is shown: the draft, or the row. A text that is no value leaves the row's. */
  readonly value: V
  readonly input: InputProps
  readonly checkbox: CheckboxProps
  /** The field shows a value that the row does not have yet. */
  readonly isDirty: boolean
  /** Why the last edit was not kept, or was rejected by the server; reset by the next edit. */
  readonly error: LfError | null
  /** Sets the value as if it had been typed. */
  set(value: V): void
  /** Commits the draft. Resolves when it is kept on this device. @throws what it was refused with */
  flush(): Promise<void>
  /** Shows the row again. What was committed already stays. */
  reset(): void
}

/**
 * Binds a value of a row to an input. What is typed shows at once and stays until the row that contains it has arrived; a
 * change from elsewhere shows while nothing is typed, and leaves the caret where it was. What is composed with an input
 * method is committed when it is whole. Unmounting and leaving the page commit what is not committed. What is entered into the
 * server's HTML before React hydrates it counts as entered.
 *
 * @example
 * const rename = useMutation(RenameTodo)
 * const title = useField(todo.title, (title) => rename.mutate({ id: todo.id, title }))
 * return <input {...title.input} aria-invalid={title.error !== null} />
 */
export function useField<V>(value: V, commit: (value: V) => unknown, options: FieldOptions<V> = {}): FieldResult<V> {
  const { key, format = formatDefault } = options
  const field = useHeldField(value, key)
  const isHydrating = useRef(false)
  const state = useSyncExternalStore(
    useCallback((notify) => field.watch(notify), [field]),
    () => field.state,
    () => {
      isHydrating.current = true
      return field.state
    },
  )
  const latest = useRef({ commit, options, value })
  useBrowserLayoutEffect(() => {
    latest.current = { commit, options, value }
    field.rowShown(value)
    // Refs come first. What appears later was made by React, not by the server.
    isHydrating.current = false
  })
  useEffect(() => () => field.leave(), [field])

  const { draft, error } = state
  const rest = state.rest !== null && Object.is(state.rest.row, value) ? state.rest : null
  const text = draft?.text ?? rest?.text ?? format(value)
  const listen = useElement(field, text)
  const { set, enter, tick } = useEntries(field, latest)

  const inputRef = useCallback(
    (element: TextElement | null) => {
      listen(element)
      if (element === null || !isHydrating.current) return
      const { options, value } = latest.current
      const entered = enteredBefore(element, (options.format ?? formatDefault)(value))
      if (entered === null) return
      enter(entered.text, element.tagName === "SELECT")
      if (element.value === entered.text) return
      element.value = entered.text
      if (entered.selection !== null) select(element, entered.selection)
    },
    [listen, enter],
  )
  const checkboxRef = useCallback(
    (element: HTMLInputElement | null) => {
      if (element === null || !isHydrating.current) return
      const ticked = tickedBefore(element, Boolean(latest.current.value))
      if (ticked !== null) tick(ticked)
    },
    [tick],
  )
  const onInput = useCallback(
    ({ currentTarget: { value, tagName } }: ChangeOf<TextElement>) => enter(value, tagName === "SELECT"),
    [enter],
  )
  const onTick = useCallback(({ currentTarget }: ChangeOf<HTMLInputElement>) => tick(currentTarget.checked), [tick])
  const shown = draft?.value ?? value
  return {
    value: shown,
    input: { value: text, onChange: onInput, ref: inputRef },
    checkbox: { checked: Boolean(shown), onChange: onTick, ref: checkboxRef },
    isDirty: draft !== null,
    error,
    set,
    flush: useCallback(() => field.flush(), [field]),
    reset: useCallback(() => field.reset(), [field]),
  }
}

/** What the last render was given. */
interface Latest<V> {
  readonly commit: (value: V) => unknown
  readonly options: FieldOptions<V>
  readonly value: V
}

interface Entries<V> {
  readonly set: (value: V) => void
  readonly enter: (text: string, isChoice: boolean) => void
  readonly tick: (isTicked: boolean) => void
}

/** The ways in which a value comes into the field. */
function useEntries<V>(field: Field<V>, latest: RefObject<Latest<V>>): Entries<V> {
  return useMemo(() => {
    const put = (next: { readonly value: V; readonly text: string; readonly isChoice: boolean }) => {
      const { commit, options } = latest.current
      field.edit({ ...next, commit, when: options.when ?? "change", pauseMs: options.pauseMs ?? PAUSE_MS })
    }
    const set = (value: V) =>
      put({ value, text: (latest.current.options.format ?? formatDefault)(value), isChoice: false })
    const enter = (text: string, isChoice: boolean) => {
      const { options, value: row } = latest.current
      const parse = options.parse ?? ((written: string) => parseAs(row, written))
      let value: V
      try {
        value = parse(text)
      } catch (error) {
        field.refuseText({ text, error })
        return
      }
      put({ value, text, isChoice })
    }
    const tick = (isTicked: boolean) => {
      const value = tickAs(latest.current.value, isTicked)
      put({ value, text: formatDefault(value), isChoice: true })
    }
    return { set, enter, tick }
  }, [field, latest])
}

/** Another row gets another field, which starts with that row's value. */
function useHeldField<V>(value: V, key: string | number | undefined): Field<V> {
  const [held, setHeld] = useState(() => ({ key, field: new Field(value) }))
  const current = Object.is(held.key, key) ? held : { key, field: new Field(value) }
  if (current !== held) setHeld(current)
  return current.field
}

interface Caret {
  readonly text: string
  readonly selection: Selection | null
}

/**
 * The element that the props were spread onto, with its own listeners, so that an app's handlers also work. A text that
 * comes from elsewhere leaves the caret between the same letters.
 */
function useElement<V>(field: Field<V>, text: string): InputProps["ref"] {
  const element = useRef<TextElement | null>(null)
  const caret = useRef<Caret | null>(null)
  const undo = useRef(() => {})
  useBrowserLayoutEffect(() => {
    if (element.current !== null && caret.current !== null)
      caret.current = keepCaret(element.current, caret.current, text)
  }, [text])
  return useCallback(
    (now: TextElement | null) => {
      undo.current()
      undo.current = () => {}
      element.current = now
      if (now !== null) {
        const noteCaret = (noted: Caret | null) => {
          caret.current = noted
        }
        undo.current = listenTo(now, field, noteCaret)
      }
    },
    [field],
  )
}

/** Returns its undo. Only the focused field listens to the document, however many fields there are (H6). */
function listenTo<V>(element: TextElement, field: Field<V>, noteCaret: (caret: Caret | null) => void): () => void {
  const document = element.ownerDocument
  const note = () => noteCaret({ text: element.value, selection: readSelection(element) })
  const focus = () => {
    field.focuses(true)
    note()
    // The browser fires selectionchange for a moved caret; a typed letter fires an input event as well.
    document.addEventListener("selectionchange", note)
  }
  const blur = () => {
    document.removeEventListener("selectionchange", note)
    noteCaret(null)
    field.focuses(false)
  }
  const listeners: Readonly<Record<string, () => void>> = {
    focus,
    blur,
    input: note,
    compositionstart: () => field.composes(true, element.value),
    compositionend: () => field.composes(false, element.value),
  }
  for (const [type, listener] of Object.entries(listeners)) element.addEventListener(type, listener)
  if (element === document.activeElement) focus()
  return () => {
    for (const [type, listener] of Object.entries(listeners)) element.removeEventListener(type, listener)
    document.removeEventListener("selectionchange", note)
  }
}

function keepCaret(element: TextElement, before: Caret, text: string): Caret {
  const { text: old, selection } = before
  if (selection === null || old === text || element.value !== text) return before
  const mapped = mapSelection({ from: old, to: text, selection })
  select(element, mapped)
  return { text, selection: mapped }
}

function select(element: TextElement, { start, end, direction }: Selection): void {
  const input = element as HTMLInputElement // an input with a selection accepts one
  if (input.selectionStart !== start || input.selectionEnd !== end) input.setSelectionRange(start, end, direction)
}

function formatDefault(value: unknown): string {
  return value === null || value === undefined ? "" : String(value)
}

/** The text as a value of the row. */
function parseAs<V>(row: V, text: string): V {
  return parsed(row, text) as V // of the row's own type
}

function parsed(row: unknown, text: string): unknown {
  if (typeof row === "number") {
    const number = Number(text)
    if (text.trim() !== "" && Number.isFinite(number)) return number
    throw new LfError("MUTATION_ARGS_INVALID", `expected a number, got another text (characters: ${text.length})`)
  }
  if (typeof row === "bigint") {
    if (/^\s*-?\d+\s*$/.test(text)) return BigInt(text)
    throw new LfError("MUTATION_ARGS_INVALID", `expected a whole number, got another text (characters: ${text.length})`)
  }
  if (typeof row === "boolean") return text === "true"
  if (row === null && text === "") return null
  return text
}

/** SQLite has no booleans: a column of 0 and 1 keeps them. */
function tickAs<V>(row: V, isTicked: boolean): V {
  return (typeof row === "boolean" ? isTicked : Number(isTicked)) as V // of the row's own type
}
