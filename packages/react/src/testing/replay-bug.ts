import { type DefinedMutation, LfError, type Mutator, type Query, type RejectedMutation } from "@lf/core"
import { Local, loadChecksum, MemoryDisk, storeBug, toLfError } from "@lf/core/internal"
import { browserHost } from "../platform/browser/browser-host.ts"
import { loadSqliteAnywhere } from "../platform/memory/load-sqlite.ts"
import { type Bug, type BugNotes, readBugFile } from "../rpc/bug-file.ts"

/** What became of one pending mutation when it was run again. */
export interface ReplayedMutation {
  readonly uid: string
  readonly name: string
  readonly args: unknown
  readonly at: number
  /** What it threw on the device; null: it did what it was to do. */
  readonly error: LfError | null
}

export interface ReplayOptions {
  readonly mutator: Mutator
}

/** A document as it was on a user's device. */
export class ReplayedBug implements AsyncDisposable {
  /** Who, when, with which browser, and the last errors. */
  readonly notes: BugNotes
  /** The changes that waited for the server, each run again, oldest first. */
  readonly pending: readonly ReplayedMutation[]
  /** What the server had rejected. */
  readonly rejected: readonly RejectedMutation[]
  readonly #local: Local

  constructor({ notes }: Bug, local: Local, pending: readonly ReplayedMutation[]) {
    this.notes = notes
    this.pending = pending
    this.rejected = local.rejections
    this.#local = local
  }

  /** Rows as the user saw them, and with what `mutate` did since. @throws as `useDocument().query` */
  async query<R>(query: Query<R>): Promise<R[]> {
    return this.#local.query(query)
  }

  /** Does what the user did next. There is no server: nothing decides it. @throws as `useDocument().mutate` */
  async mutate<Args>(mutation: DefinedMutation<Args>, args: Args): Promise<void> {
    await this.#local.run(mutation.name, args).durable
  }

  async close(): Promise<void> {
    await this.#local.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}

/**
 * Opens a file of "Export this bug" in memory: the base's pages, and the pending mutations run again by `mutator` with their own
 * uids and times, as a device does when it starts. Call it with the code of that time, or with the code that repairs it.
 *
 * @throws BUG_FILE_INVALID MIGRATION_EDITED MIGRATION_FAILED TEST_OPTION_INVALID
 * @example
 * import fs from "node:fs/promises"
 * const file = await fs.readFile("bugs/lost-title.lfbug", "utf8")
 * await using bug = await replayBug(file, { mutator })
 * const titles = await bug.query(sql`select title from todos`)
 */
export async function replayBug(file: string, { mutator }: ReplayOptions): Promise<ReplayedBug> {
  // Plain JavaScript may give something else, such as a Buffer of the file.
  if (typeof file !== "string")
    throw new LfError("TEST_OPTION_INVALID", `expected the text of a bug file, got ${typeof file}`)
  const bug = await readBugFile(file)
  checkSchema(bug, mutator)
  await loadChecksum()
  const { user } = bug.notes
  const disk = new MemoryDisk()
  const host = { ...browserHost, nowMs: () => bug.notes.clockMs }
  await storeBug(await disk.open("bug"), bug.copy, { host, mutator, user })
  const module = await loadSqliteAnywhere()
  const pending: ReplayedMutation[] = []
  const local = new Local({
    opened: await disk.open("bug"),
    module,
    mutator,
    host,
    user,
    onRerun: ({ uid, name, args, at }, thrown) =>
      pending.push({ uid, name, args, at, error: thrown === null ? null : toLfError(thrown.error, "MUTATION_THREW") }),
  })
  return new ReplayedBug(bug, local, pending)
}

/** Newer code migrates what is there; other code would make something else of it. @throws MIGRATION_EDITED */
function checkSchema({ copy }: Bug, mutator: Mutator): void {
  const at = copy.schema.findIndex((hash, i) => mutator.migrations.at(i)?.hash !== hash)
  if (at < 0) return
  const why = `expected the migrations that the bug's code had, got another one at position ${at}, or none`
  throw new LfError("MIGRATION_EDITED", `${why}: replay it with the mutator of that app, from then or newer`)
}
