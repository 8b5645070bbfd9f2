import { textToBytes } from "../base/bytes.ts"
import { hash64 } from "../base/checksum.ts"
import { LfError } from "../base/error.ts"
import { uuidV7 } from "../base/ids.ts"
import type { Database } from "../sqlite/database.ts"
import type { Query } from "../sqlite/sql.ts"
import { type Author, userOf } from "./author.ts"
import type { Script } from "./rehearsal.ts"
import { undoMutation } from "./undo-log.ts"

/** Limits of one mutation, the same on both sides. */
export const MUTATION_STATEMENTS_MAX = 20_000
/** Steps of SQLite's virtual machine: about a second. */
const MUTATION_STEPS_MAX = 30_000_000

/** What a mutator works with: SQL, and the mutation's own clock, randomness and name, so every run gives the same. */
export interface Tx {
  /** Runs one statement. A value of the wrong type for a STRICT table ends the mutation, caught or not. @throws SQL_ERROR SQL_DENIED SQL_LIMIT */
  run(query: Query<unknown>): { changes: number }
  all<R>(query: Query<R>): R[]
  get<R>(query: Query<R>): R | undefined
  /** A UUIDv7 that is the same at every run of this mutation. */
  id(): string
  /** When the mutation was made. SQL's own clock says the same. */
  readonly nowMs: number
  /**
   * When the server received it, by the server's clock: what decides where a device's clock may be wrong. On the device it
   * is `nowMs` until the server's rows come.
   */
  readonly receivedMs: number
  /** Who made it; null: signed out, or the server itself. On the server this is the id that `authenticate` said. */
  readonly user: string | null
  /**
   * On the server what `authenticate` said of the user when the mutation came, roles included; "system" for a mutation of
   * the server itself; null: a client without a user. A device knows of its user no more than the id.
   */
  readonly principal: Author
  readonly side: "local" | "remote"
}

export interface TxOptions {
  readonly db: Database
  readonly uid: string
  readonly nowMs: number
  /** Default: `nowMs`. */
  readonly receivedMs?: number | undefined
  readonly author: Author
  readonly side: "local" | "remote"
  /** Development: notes what is sent. */
  readonly script?: Script | undefined
}

export class MutationTx implements Tx {
  readonly nowMs: number
  readonly receivedMs: number
  readonly user: string | null
  readonly principal: Author
  readonly side: "local" | "remote"
  readonly #db: Database
  readonly #uid: Uint8Array
  readonly #script: Script | undefined
  #ids = 0n
  #statements = 0
  #open = true

  constructor({ db, uid, nowMs, receivedMs = nowMs, author, side, script }: TxOptions) {
    this.#db = db
    this.#script = script
    this.#uid = textToBytes(uid)
    this.nowMs = nowMs
    this.receivedMs = receivedMs
    this.user = userOf(author)
    this.principal = author
    this.side = side
    db.setClock(() => nowMs)
    // The low bit keeps the seed from 0, which would mean the host's randomness.
    db.seed(Number(hash64(this.#uid) & 0x7fff_ffffn) | 1)
    db.setBudget(MUTATION_STEPS_MAX)
  }

  run(query: Query<unknown>): { changes: number } {
    this.#count()
    return this.#db.run(this.#script?.note(query) ?? query, "mutation")
  }

  all<R>(query: Query<R>): R[] {
    this.#count()
    return this.#db.all<R>((this.#script?.note(query) as Query<R> | undefined) ?? query, "mutation") // the same query
  }

  get<R>(query: Query<R>): R | undefined {
    return this.all(query)[0]
  }

  id(): string {
    const random = new Uint8Array(16)
    const view = new DataView(random.buffer)
    this.#ids += 1n
    view.setBigUint64(0, hash64(this.#uid, this.#ids))
    view.setBigUint64(8, hash64(this.#uid, ~this.#ids & 0xffff_ffff_ffff_ffffn))
    return uuidV7(this.nowMs, random)
  }

  /** Undoes an earlier mutation of this user: for `lf.undo` alone. @throws Reject as `undoMutation` */
  undo(uid: string): void {
    undoMutation(this.#db, { uid, user: this.user })
  }

  /** The mutator has returned: a tx that it kept does nothing any more. */
  close(): void {
    this.#open = false
  }

  #count(): void {
    if (!this.#open)
      throw new LfError("SQL_DENIED", "the statement came after its mutation had ended: a `tx` must not be kept")
    // After `or rollback` a statement would run, and commit, on its own (T13).
    if (!this.#db.inTransaction) throw new LfError("SQL_DENIED", "an earlier statement ended the transaction")
    this.#statements++
    if (this.#statements > MUTATION_STATEMENTS_MAX) {
      throw new LfError(
        "SQL_LIMIT",
        `expected at most ${MUTATION_STATEMENTS_MAX} statements in a mutation, got one more: split it`,
      )
    }
  }
}
