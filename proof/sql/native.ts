import { spawnSync } from "node:child_process"
import { COUNTS, forNative, forOurs, inline, type Statement } from "./statement.ts"

/** What a statement answered: rows of words (see statement.ts), or the message of its error. */
export type Answer =
  | { readonly type: "rows"; readonly rows: readonly string[] }
  | { readonly type: "error"; readonly message: string }

/** One statement that ours has run, and what it said. */
export interface Answered {
  readonly statement: Statement
  readonly answer: Answer
  /** changes() and last_insert_rowid() after it, where they mean something. */
  readonly counts: string | null
}

const OUTPUT_BYTES_MAX = 1 << 30
const RUN_MS_MAX = 60_000

/**
 * As `Database` opens its connections; Debian's build triggers recursively by default. Schemas are trusted, because 3.40
 * counts FTS5 among what a trigger may not use otherwise.
 */
const SETTINGS = [
  ".mode list",
  ".dbconfig defensive on",
  "pragma page_size=4096;",
  "pragma foreign_keys=on;",
  "pragma recursive_triggers=off;",
  "pragma cell_size_check=on;",
]

/** Debian's `sqlite3`: another version, another compiler, its own VFS. One process runs a whole script. */
export class Native {
  readonly #shell: string

  /** @throws when there is no shell */
  constructor() {
    this.#shell = process.env.LF_SQLITE3 || "sqlite3"
    const { error, stdout } = spawnSync(this.#shell, ["--version"], { encoding: "utf8" })
    if (error !== undefined) {
      throw new Error(`There is no ${this.#shell}: install it (on Debian: apt-get install sqlite3) or set LF_SQLITE3.`)
    }
    const [major, minor] = stdout.split(".").map(Number)
    if (major !== 3 || minor < 39) throw new Error(`${this.#shell} is ${stdout.trim()}: at least 3.39 is needed.`)
  }

  /** What the shell answers to the same statements, in the same order. */
  run(
    answered: readonly Answered[],
    file = ":memory:",
    before: readonly string[] = [],
  ): Pick<Answered, "answer" | "counts">[] {
    const script = new Script()
    for (const line of [...SETTINGS, ...before]) script.line(line)
    for (const [i, one] of answered.entries()) script.statement(i, one)
    const { stdout, stderr, error } = spawnSync(this.#shell, ["-batch", "-init", "/dev/null", file], {
      input: script.text,
      encoding: "utf8",
      maxBuffer: OUTPUT_BYTES_MAX,
      timeout: RUN_MS_MAX,
    })
    if (error !== undefined) throw error
    return script.read(stdout, stderr)
  }
}

/** Says which output belongs to which statement: rows by printed marks, errors by the number of the line. */
class Script {
  readonly #lines: string[] = []
  readonly #statementByLine = new Map<number, number>()
  #count = 0

  line(text: string): void {
    this.#lines.push(text)
  }

  statement(i: number, { statement, counts }: Answered): void {
    this.line(`.print @@`)
    this.#count++
    this.line(`${forNative(statement)};`)
    this.#statementByLine.set(this.#lines.length, i)
    if (counts === null || statement.counts === null) return
    this.line(".print @#")
    this.line(`${COUNTS[statement.counts]};`)
  }

  get text(): string {
    return `${this.#lines.join("\n")}\n`
  }

  read(stdout: string, stderr: string): Pick<Answered, "answer" | "counts">[] {
    const messages = new Map<number, string>()
    for (const [, line, message] of stderr.matchAll(/^(?:Parse|Runtime) error near line (\d+): (.*)$/gm)) {
      const i = this.#statementByLine.get(Number(line))
      if (i === undefined) throw new Error(`the shell refused line ${line}: ${message}`)
      messages.set(i, message.replace(/ \(\d+\)$/, ""))
    }
    const pieces = stdout.split(/^@@\n/m).slice(1)
    if (pieces.length !== this.#count) throw new Error(`the shell ended early: ${stderr.slice(-500)}`)
    return pieces.map((piece, i) => {
      const [body, counts = null] = piece.split(/^@#\n/m)
      const message = messages.get(i)
      const rows = body.split("\n").slice(0, -1).map(exactReals)
      return {
        answer: message === undefined ? { type: "rows", rows } : { type: "error", message },
        counts: counts === null ? null : counts.trimEnd(),
      }
    })
  }
}

/** ieee754(M,E) is M times 2 to the E, without rounding. */
function exactReals(row: string): string {
  return row.replaceAll(/ieee754\((-?\d+),(-?\d+)\)/g, (_, m: string, e: string) => String(Number(m) * 2 ** Number(e)))
}

/** Where the two sides differ first, or null. */
export function firstDifference(
  ours: readonly Answered[],
  native: readonly Pick<Answered, "answer" | "counts">[],
): string | null {
  for (const [i, { statement, answer, counts }] of ours.entries()) {
    const [own, other] = [textOf(answer), textOf(native[i].answer)]
    if (own !== other) return `statement ${i}: ${shorten(inline(forOurs(statement)))}\n${whereApart(own, other)}`
    if (counts !== native[i].counts) {
      return `statement ${i}: ${shorten(inline(forOurs(statement)))}\n  counts ours ${counts}, native ${native[i].counts}`
    }
  }
  return null
}

function textOf(answer: Answer): string {
  return answer.type === "rows" ? answer.rows.join("\n") : `error: ${comparable(answer.message)}`
}

/** Messages that the two versions word differently, made equal. */
function comparable(message: string): string {
  return message
}

function whereApart(own: string, other: string): string {
  let at = 0
  while (at < own.length && own[at] === other[at]) at++
  const from = Math.max(0, at - 60)
  return `  ours   …${own.slice(from, at + 160)}\n  native …${other.slice(from, at + 160)}`
}

function shorten(text: string): string {
  return text.length <= 700 ? text : `${text.slice(0, 500)} … ${text.slice(-180)}`
}
