import type { Receipt } from "@lf/core"
import { isLfError, LfError } from "@lf/core"
import { toLfError } from "@lf/core/internal"
import { collectReceipts } from "./commits.ts"

/** After a kept commit whose value the row never shows (a mutator that trims, say), the row shows after this time. */
const SETTLE_MS_MAX = 1_000

export type CommitWhen = "change" | "pause" | "blur"

/** What the user entered and the row does not have yet. */
interface Draft<V> {
  readonly text: string
  readonly value: V
  /** Counts the edits: a commit belongs to the edit that it was made for. */
  readonly version: number
}

/** A field's state besides its row. */
export interface FieldState<V> {
  readonly draft: Draft<V> | null
  /** While focused, keeps the text that a mutator turned into `row`: removing a trailing space would disturb typing. */
  readonly rest: { readonly text: string; readonly row: V } | null
  readonly error: LfError | null
}

export interface Edit<V> {
  readonly text: string
  readonly value: V
  /** The `commit` of the render that showed the edited value: it is bound to that value's row (H2). */
  readonly commit: (value: V) => unknown
  readonly when: CommitWhen
  readonly pauseMs: number
  /** A ticked box or a chosen option: no more typing follows. */
  readonly isChoice: boolean
}

type Sent<V> = { readonly draft: Draft<V>; readonly rowAtSend: V }

/**
 * The state of one bound input: keeps what is typed until the row that contains it has arrived (H9). Knows neither React nor
 * the DOM; `rowShown` reports which row a render has committed.
 */
export class Field<V> {
  readonly #watchers = new Set<() => void>()
  #state: FieldState<V> = { draft: null, rest: null, error: null }
  #row: V
  #edit: Edit<V> | null = null
  #version = 0
  /** The newest edit that was passed to `commit`, and the newest that was kept. */
  #sentVersion = 0
  #keptVersion = 0
  #sentValues: V[] = []
  #inFlight: Promise<void> | null = null
  #isFocused = false
  #isComposing = false
  /** The draft only keeps the text while an input method composes: nothing is entered yet. */
  #isHeld = false
  #pause: ReturnType<typeof setTimeout> | undefined
  #settle: ReturnType<typeof setTimeout> | undefined
  #unregister: () => void = () => {}

  constructor(row: V) {
    this.#row = row
  }

  get state(): FieldState<V> {
    return this.#state
  }

  watch(watcher: () => void): () => void {
    this.#watchers.add(watcher)
    return () => void this.#watchers.delete(watcher)
  }

  /** The user typed, ticked or chose. Shown at once; committed as `when` says. */
  edit(edit: Edit<V>): void {
    this.#edit = edit
    this.#isHeld = false
    this.#version++
    this.#become({ draft: { text: edit.text, value: edit.value, version: this.#version }, rest: null, error: null })
    clearTimeout(this.#settle)
    clearTimeout(this.#pause)
    if (this.#isComposing) return
    this.#commitAsWanted(edit)
  }

  /** The text is no value: it stays, with the reason, and is not committed. */
  refuseText({ text, error }: { readonly text: string; readonly error: unknown }): void {
    this.#version++
    clearTimeout(this.#pause)
    const draft = { text, value: this.#row, version: this.#version }
    // Nothing to send: it counts as sent, and earlier text is not sent any more.
    this.#sentVersion = this.#version
    this.#become({ draft, rest: null, error: toLfError(error, "MUTATION_ARGS_INVALID") })
  }

  /** An input method begins or ends composing, on a field that shows `text`. Meanwhile the text must not change. */
  composes(isComposing: boolean, text: string): void {
    this.#isComposing = isComposing
    const { draft, rest, error } = this.#state
    if (isComposing) {
      if (draft !== null) return
      this.#isHeld = true
      this.#become({ ...this.#state, draft: { text, value: this.#row, version: this.#version } })
    } else if (this.#isHeld) {
      this.#isHeld = false
      this.#clear({ draft: null, rest, error })
    } else if (this.#edit !== null && this.#sentVersion < this.#version) this.#commitAsWanted(this.#edit)
    else if (error !== null && isRefusal(error)) this.#fallBack(error)
    else if (this.#inFlight === null) this.#takeRow()
  }

  focuses(isFocused: boolean): void {
    this.#isFocused = isFocused
    if (isFocused) return
    if (this.#isComposing) this.composes(false, "")
    const { draft, error } = this.#state
    if (draft !== null && error !== null && isRefusal(error)) this.#fallBack(error)
    else if (this.#state.rest !== null) this.#become({ ...this.#state, rest: null })
    void this.flush().catch(() => {}) // the error is in the state
  }

  /** A render has committed with this row. */
  rowShown(row: V): void {
    if (Object.is(row, this.#row)) return
    this.#row = row
    const { draft, rest } = this.#state
    if (rest !== null && !Object.is(rest.row, row)) this.#become({ ...this.#state, rest: null })
    if (draft === null || this.#keptVersion < draft.version) return
    // An older commit of this field, on its way to the newest, is not a change.
    if (Object.is(row, draft.value) || !this.#sentValues.some((sent) => Object.is(sent, row))) this.#takeRow()
  }

  /** Commits the draft now. Resolves when all of it is kept. @throws what the commit was refused with */
  async flush(): Promise<void> {
    clearTimeout(this.#pause)
    if (this.#edit !== null && this.#sentVersion < this.#version) this.#send(this.#edit)
    await this.#inFlight
    const { draft, error } = this.#state
    if (draft !== null && error !== null) throw error
  }

  /** Drops the draft and shows the row. What was committed already stays. */
  reset(): void {
    this.#version++
    this.#sentVersion = this.#version
    this.#keptVersion = this.#version
    clearTimeout(this.#pause)
    this.#clear({ draft: null, rest: null, error: null })
  }

  /** The component unmounted, or shows another row: commits the draft to the row that it was typed for. */
  leave(): void {
    void this.flush().catch(() => {}) // the mutation's own listeners are called with it
    clearTimeout(this.#settle)
    this.#unregister()
  }

  #commitAsWanted(edit: Edit<V>): void {
    this.#unregister()
    this.#unregister = flushOnLeaving(this)
    // A change that was not typed into the focused input is not followed by a pause or a blur.
    const isTyped = this.#isFocused && !edit.isChoice
    if (edit.when === "change" || !isTyped) this.#sendNext()
    else if (edit.when === "pause") this.#pause = setTimeout(() => this.#sendNext(), edit.pauseMs)
  }

  /** One commit after the other: what is typed meanwhile goes with the next one. */
  #sendNext(): void {
    if (this.#inFlight === null && this.#edit !== null && this.#sentVersion < this.#version) this.#send(this.#edit)
  }

  #send(edit: Edit<V>): void {
    const { draft } = this.#state
    if (draft === null) return
    this.#sentVersion = draft.version
    this.#sentValues.push(draft.value)
    const sent: Sent<V> = { draft, rowAtSend: this.#row }
    const before = this.#inFlight
    const work = Promise.all([before, this.#commit(edit, sent)]).then(() => {})
    this.#inFlight = work
    void work.then(() => {
      if (this.#inFlight !== work) return
      this.#inFlight = null
      if (edit.when === "change" && !this.#isComposing) this.#sendNext()
    })
  }

  /** Never rejects: the result is in the state. */
  async #commit(edit: Edit<V>, sent: Sent<V>): Promise<void> {
    try {
      const { returned, receipts } = collectReceipts(() => edit.commit(sent.draft.value))
      for (const receipt of receipts) this.#follow(receipt, sent)
      await Promise.all([...receipts, returned])
      this.#kept(sent)
    } catch (error) {
      this.#refused(sent, toLfError(error, "MUTATION_THREW"), edit.isChoice)
    }
  }

  #kept({ draft }: Sent<V>): void {
    this.#keptVersion = Math.max(this.#keptVersion, draft.version)
    if (this.#version > draft.version) return
    if (Object.is(this.#row, draft.value)) {
      this.#takeRow()
      return
    }
    // Its row is on the way to the screen; a deferred render takes a moment.
    clearTimeout(this.#settle)
    this.#settle = setTimeout(() => this.#takeRow(), SETTLE_MS_MAX)
  }

  /** The draft was not kept on this device. */
  #refused({ draft }: Sent<V>, error: LfError, isChoice: boolean): void {
    if (this.#version > draft.version) return
    if (isRefusal(error) && (isChoice || !this.#isFocused)) {
      this.#fallBack(error)
      return
    }
    // The next edit, blur or flush retries.
    if (!isRefusal(error)) this.#sentVersion = draft.version - 1
    this.#become({ ...this.#state, error })
  }

  /** The server decides later: a rejection reverts the row, and the field with it, unless something newer was typed. */
  #follow(receipt: Promise<Receipt>, { draft }: Sent<V>): void {
    receipt.then(
      async ({ remote }) => {
        const outcome = await remote
        if (outcome.type !== "rejected" || this.#version > draft.version) return
        this.#fallBack(new LfError("MUTATION_REJECTED", `the server decided ${outcome.code}`, { cause: outcome }))
      },
      () => {}, // `#commit` handles it
    )
  }

  /** The row is current: it has our commit, or a later change from elsewhere. */
  #takeRow(): void {
    const { draft } = this.#state
    if (draft === null || this.#isComposing) return
    const isOther = !Object.is(draft.value, this.#row)
    const rest = isOther && this.#isFocused ? { text: draft.text, row: this.#row } : null
    this.#clear({ draft: null, rest, error: null })
  }

  #fallBack(error: LfError): void {
    // A composition must not be interrupted: its end reverts the text.
    if (this.#isComposing) {
      this.#become({ ...this.#state, error })
      return
    }
    this.#keptVersion = this.#version
    this.#sentVersion = this.#version
    this.#clear({ draft: null, rest: null, error })
  }

  #clear(state: FieldState<V>): void {
    clearTimeout(this.#settle)
    this.#sentValues = []
    this.#unregister()
    this.#become(state)
  }

  #become(state: FieldState<V>): void {
    this.#state = state
    for (const watcher of [...this.#watchers]) watcher()
  }
}

/** The app refused this value; other codes may pass, and are retried. */
function isRefusal(error: unknown): boolean {
  if (!isLfError(error)) return false
  return !/^(WORKER_|LOG_|PENDING_|PROVIDER_|UNSUPPORTED|DOC_STOPPED)/.test(error.code)
}

const leaving = new Set<Field<never>>()

function flushAll(): void {
  for (const field of [...leaving]) field.flush().catch(() => {}) // the error is in the state
}

function flushWhenHidden(): void {
  if (document.visibilityState === "hidden") flushAll()
}

/** A hidden page may be closed at any moment: commits every draft before. Returns its undo. */
function flushOnLeaving<V>(field: Field<V>): () => void {
  const one = field as unknown as Field<never> // only its flush is called
  if (leaving.size === 0) {
    window.addEventListener("pagehide", flushAll)
    document.addEventListener("visibilitychange", flushWhenHidden)
  }
  leaving.add(one)
  return () => {
    if (!leaving.delete(one) || leaving.size > 0) return
    window.removeEventListener("pagehide", flushAll)
    document.removeEventListener("visibilitychange", flushWhenHidden)
  }
}
