import type { Database } from "../sqlite/database.ts"
import { compileQuery, type Query, type Sql } from "../sqlite/sql.ts"
import type { SqlValue } from "../sqlite/value.ts"

/** A mutator is rehearsed so many times in one worker; one that differs by then is rare enough. */
const REHEARSALS_MAX = 50
/** A mutator whose rehearsal takes longer is not rehearsed again: it would be felt at each edit. */
const REHEARSAL_MS_MAX = 50
const TEXT_CHARS_MAX = 300

/** Two runs of a mutator on the same rows that did not do the same. */
export interface Difference {
  readonly mutation: string
  readonly uid: string
  /** What each of them did, from the first statement on that is not the same; null: it had ended. */
  readonly first: string | null
  readonly second: string | null
}

/** The statements that one run of a mutator sent, in order. */
export class Script {
  readonly #steps: Sql<unknown>[] = []
  #end = "it returned"

  /** What it threw, or null. */
  thrown: { readonly error: unknown } | null = null

  /** Returns the query as it was noted. */
  note(query: Query<unknown>): Sql<unknown> {
    const compiled = compileQuery(query)
    this.#steps.push(compiled)
    return compiled
  }

  threw(error: unknown): void {
    this.thrown = { error }
    this.#end = `it threw ${error instanceof Error ? error.message : String(error)}`
  }

  /** Where `other` is not the same; null: nowhere. */
  differenceTo(other: Script): Pick<Difference, "first" | "second"> | null {
    const count = Math.max(this.#steps.length, other.#steps.length)
    for (let i = 0; i < count; i++) {
      const [a, b] = [this.#steps.at(i), other.#steps.at(i)]
      if (a === undefined || b === undefined || !isSame(a, b))
        return { first: a === undefined ? this.#end : textOf(a), second: b === undefined ? other.#end : textOf(b) }
    }
    return this.#end === other.#end ? null : { first: this.#end, second: other.#end }
  }
}

/**
 * For development: runs a mutator once more, before it runs, on the same rows, and takes that back. Its SQL decides what it
 * changes, since time, `random()` and ids are the mutation's own: so it is enough to compare what both runs sent.
 */
export class Rehearsals {
  readonly #runs = new Map<string, number>()
  readonly #nowMs: () => number
  readonly #report: (difference: Difference) => void

  constructor(options: { readonly nowMs: () => number; readonly report: (difference: Difference) => void }) {
    this.#nowMs = options.nowMs
    this.#report = options.report
  }

  /** What the mutator does, or null when it is not rehearsed. `run` throws what the mutator throws. */
  rehearse(db: Database, mutation: { readonly name: string }, run: (script: Script) => void): Script | null {
    const runs = this.#runs.get(mutation.name) ?? 0
    if (runs >= REHEARSALS_MAX) return null
    const startedMs = this.#nowMs()
    const script = new Script()
    db.exec("savepoint lf_rehearsal")
    try {
      run(script)
    } catch (error) {
      script.threw(error)
    }
    if (db.inTransaction) {
      db.exec("rollback to lf_rehearsal")
      db.exec("release lf_rehearsal")
    }
    const isSlow = this.#nowMs() - startedMs > REHEARSAL_MS_MAX
    this.#runs.set(mutation.name, isSlow ? REHEARSALS_MAX : runs + 1)
    return script
  }

  /** For the run that counts. */
  script(): Script {
    return new Script()
  }

  /** The mutator ran. One that differs is reported once. */
  compare(mutation: { readonly name: string; readonly uid: string }, first: Script, second: Script): void {
    const difference = first.differenceTo(second)
    if (difference === null) return
    this.#runs.set(mutation.name, REHEARSALS_MAX)
    this.#report({ mutation: mutation.name, uid: mutation.uid, ...difference })
  }
}

function isSame(a: Sql<unknown>, b: Sql<unknown>): boolean {
  return (
    a.sql === b.sql &&
    a.parameters.length === b.parameters.length &&
    a.parameters.every((v, i) => isEqual(v, b.parameters[i]))
  )
}

function isEqual(a: SqlValue, b: SqlValue): boolean {
  if (a instanceof Uint8Array && b instanceof Uint8Array)
    return a.length === b.length && a.every((byte, i) => byte === b[i])
  return Object.is(a, b)
}

function textOf({ sql, parameters }: Sql<unknown>): string {
  const values = parameters.map((value) =>
    value instanceof Uint8Array ? `${value.length} bytes` : JSON.stringify(value, bigints),
  )
  const text = `${sql.replaceAll(/\s+/g, " ").trim()} [${values.join(", ")}]`
  return text.length > TEXT_CHARS_MAX ? `${text.slice(0, TEXT_CHARS_MAX)}…` : text
}

function bigints(_key: string, value: unknown): unknown {
  return typeof value === "bigint" ? `${value}n` : value
}
