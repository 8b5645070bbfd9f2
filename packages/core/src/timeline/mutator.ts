import type { StandardSchemaV1 } from "@standard-schema/spec"
import { assert } from "../base/assert.ts"
import { textToBytes } from "../base/bytes.ts"
import { LfError } from "../base/error.ts"
import { sha256Hex } from "../base/ids.ts"
import type { Sql } from "../sqlite/sql.ts"
import { asSent, MUTATION_NAME_BYTES_MAX, type Mutation } from "./mutation.ts"
import type { Tx } from "./tx.ts"
import { isUndoLog } from "./undo-log.ts"
import { UndoMutation } from "./undo-mutation.ts"

/** A named change: the schema of its arguments and the function that makes it, on the client at once and on the server again. */
export interface DefinedMutation<Input = unknown, R = unknown> {
  readonly name: string
  /**
   * `args` as the schema gives them out.
   * @throws MUTATION_ARGS_INVALID MUTATION_SCHEMA_ASYNC
   */
  parse(args: unknown): unknown
  /** Runs the mutator on parsed arguments. */
  run(tx: Tx, parsed: unknown): R
  /** Carries the type of the arguments; never there at run time. */
  readonly inputType?: Input
}

/** Refuses a mutator that returns a promise: an awaited one could not run inside one transaction (T14). */
type Synchronous<R> = [R] extends [never]
  ? unknown
  : R extends PromiseLike<unknown>
    ? "a mutator is synchronous"
    : unknown

/**
 * Defines a mutation. `fn` is synchronous and has no effect but through `tx`.
 *
 * @example
 * const AddTodo = defineMutation("AddTodo", z.object({ id: z.string(), title: z.string().min(1) }),
 *   (tx, { id, title }) => { tx.run(sql`insert into todos (id, title) values (${id}, ${title})`) })
 */
export function defineMutation<Schema extends StandardSchemaV1, R>(
  name: string,
  argsSchema: Schema,
  fn: ((tx: Tx, args: StandardSchemaV1.InferOutput<Schema>) => R) & Synchronous<R>,
): DefinedMutation<StandardSchemaV1.InferInput<Schema>, R> {
  assert(
    name.length > 0 && textToBytes(name).length <= MUTATION_NAME_BYTES_MAX,
    "a mutation's name must have 1 to 128 bytes",
  )
  return {
    name,
    parse: (args) => parseArgs(name, argsSchema, args),
    run: (tx, parsed) => fn(tx, parsed as StandardSchemaV1.InferOutput<Schema>), // `parse` gave it
  }
}

function parseArgs(name: string, schema: StandardSchemaV1, args: unknown): unknown {
  const result = schema["~standard"].validate(args)
  if (result instanceof Promise)
    throw new LfError("MUTATION_SCHEMA_ASYNC", `${name}: expected a synchronous schema, got one that answers a promise`)
  if (result.issues === undefined) return result.value
  const [issue] = result.issues
  const path = (issue?.path ?? []).map((part) => String(typeof part === "object" ? part.key : part)).join(".")
  throw new LfError(
    "MUTATION_ARGS_INVALID",
    `${name}${path === "" ? "" : ` at ${path}`}: ${issue?.message ?? "invalid"}`,
  )
}

class Migration {
  readonly sql: Sql<unknown>
  #hash: string | undefined

  constructor(sql: Sql<unknown>) {
    this.sql = sql
  }

  /** Says whether it was edited after it ran. Made when it is asked for: a page, which runs no migrations, never does. */
  get hash(): string {
    this.#hash ??= sha256Hex(textToBytes(this.sql.sql)).slice(0, MIGRATION_HASH_CHARS)
    return this.#hash
  }
}

/** The app's mutations and migrations, shared by components, worker and server. */
export class Mutator {
  readonly migrations: readonly Migration[]
  /** Whether `undoLog` is one of the migrations. */
  readonly isUndoable: boolean
  readonly #mutations = new Map<string, DefinedMutation>()

  constructor(migrations: readonly Sql<unknown>[], mutations: readonly DefinedMutation[]) {
    this.migrations = migrations.map((sql) => new Migration(sql))
    this.isUndoable = migrations.some(isUndoLog)
    for (const mutation of this.isUndoable ? [...mutations, UndoMutation] : mutations) {
      assert(!this.#mutations.has(mutation.name), `mutation ${mutation.name} must be defined once`)
      this.#mutations.set(mutation.name, mutation)
    }
  }

  get names(): readonly string[] {
    return [...this.#mutations.keys()]
  }

  has(name: string): boolean {
    return this.#mutations.has(name)
  }

  /** @throws MUTATION_UNKNOWN */
  find(name: string): DefinedMutation {
    const found = this.#mutations.get(name)
    if (found === undefined)
      throw new LfError("MUTATION_UNKNOWN", `no mutation is named ${JSON.stringify(name.slice(0, 64))}`)
    return found
  }

  /**
   * Checks a new mutation and gives it as the wire will carry it: what its caller changes later is not seen.
   * @throws MUTATION_UNKNOWN MUTATION_ARGS_INVALID MUTATION_SCHEMA_ASYNC MUTATION_TOO_LARGE
   */
  make(mutation: Mutation): Mutation {
    this.find(mutation.name).parse(mutation.args)
    return asSent(mutation)
  }

  /**
   * Runs one mutation inside the open transaction.
   * @throws whatever the mutator throws, MUTATION_UNKNOWN, MUTATION_ARGS_INVALID, MUTATION_ASYNC
   */
  apply(tx: Tx, mutation: Mutation): void {
    const defined = this.find(mutation.name)
    const result = defined.run(tx, defined.parse(mutation.args))
    if (typeof result === "object" && result !== null && "then" in result) {
      if (result instanceof Promise) result.catch(() => {}) // it is refused here; its later failure must not be unhandled
      throw new LfError(
        "MUTATION_ASYNC",
        `${mutation.name}: expected a synchronous mutator, got one that returned a promise`,
      )
    }
  }
}

export const MIGRATION_HASH_CHARS = 16

/**
 * The app's mutator.
 * @example export const mutator = defineMutator({ migrations: [sql`create table todos (id text primary key) strict`], mutations: [AddTodo] })
 */
export function defineMutator(options: {
  readonly migrations: readonly Sql<unknown>[]
  readonly mutations: readonly DefinedMutation[]
}): Mutator {
  return new Mutator(options.migrations, options.mutations)
}
