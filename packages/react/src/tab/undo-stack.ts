import { type DefinedMutation, isLfError, type Outcome, type Receipt } from "@lf/core"
import { UndoMutation } from "@lf/core/internal"

/** Mutations of one tab and document that can be undone. */
const UNDO_STACK_MAX = 100

/** A mutation that was posted: its uid at once, its receipt when it is kept. */
export interface Posted {
  readonly uid: string
  readonly receipt: Promise<Receipt>
}

type Post = <Input>(mutation: DefinedMutation<Input>, args: Input) => Posted

interface Depth {
  readonly undo: number
  readonly redo: number
}

/** What this tab has done in one document, to be undone and done again. A mutation is undone by another one, which can be undone. */
export class UndoStack {
  readonly #post: Post
  readonly #watchers = new Set<() => void>()
  #done: string[] = []
  #undone: string[] = []
  #depth: Depth = { undo: 0, redo: 0 }

  constructor(post: Post) {
    this.#post = post
  }

  get depth(): Depth {
    return this.#depth
  }

  /** A mutation of the app: it is undone next, and what was undone before is not done again. */
  note({ uid, receipt }: Posted): void {
    this.#done.push(uid)
    if (this.#done.length > UNDO_STACK_MAX) this.#done.shift()
    this.#undone = []
    this.#changed()
    receipt.then(
      ({ remote }) => void remote.then((outcome) => outcome.type === "rejected" && this.#drop(uid)),
      () => this.#drop(uid),
    )
  }

  watch(watcher: () => void): () => void {
    this.#watchers.add(watcher)
    return () => void this.#watchers.delete(watcher)
  }

  /** Undoes the last mutation that is not undone. @throws what keeps a mutation from being kept */
  undo(): Promise<Outcome> {
    return this.#turn(this.#done, () => this.#undone)
  }

  /** Does the last one that was undone again. @throws as `undo` */
  redo(): Promise<Outcome> {
    return this.#turn(this.#undone, () => this.#done)
  }

  async #turn(from: string[], to: () => string[]): Promise<Outcome> {
    const uid = from.pop()
    if (uid === undefined) return { type: "rejected", code: "undo-nothing", data: null }
    const { uid: own, receipt } = this.#post(UndoMutation, { uid })
    to().push(own)
    this.#changed()
    try {
      const { remote } = await receipt
      const outcome = await remote
      if (outcome.type === "rejected") this.#drop(own)
      return outcome
    } catch (error) {
      this.#drop(own)
      const rejection = rejectionIn(error)
      if (rejection === null) throw error
      return rejection
    }
  }

  #drop(uid: string): void {
    this.#done = this.#done.filter((one) => one !== uid)
    this.#undone = this.#undone.filter((one) => one !== uid)
    this.#changed()
  }

  #changed(): void {
    const depth = { undo: this.#done.length, redo: this.#undone.length }
    if (depth.undo === this.#depth.undo && depth.redo === this.#depth.redo) return
    this.#depth = depth
    for (const watcher of [...this.#watchers]) watcher()
  }
}

/** What the device refused already is the same answer as the server's. */
function rejectionIn(error: unknown): Outcome | null {
  if (!isLfError(error) || error.code !== "MUTATION_REJECTED") return null
  const { code, data } = error.cause as { readonly code: string; readonly data: unknown } // as the code promises
  return { type: "rejected", code, data }
}
