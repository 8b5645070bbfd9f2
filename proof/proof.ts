// The runner of every proof: how much to run, what it counted, and how to replay one case.

/** What one run of a proof is asked for, and where it reports what it did. */
export interface Proof {
  /**
   * The cases to try, one seed after the other, until enough is counted or the time is over. With `--seed N` only that
   * one, again.
   */
  seeds(): Iterable<number>
  /** How long a case is, where that can be said. */
  readonly steps: number | undefined
  /** True if one case is replayed: then a proof may print what it does. */
  readonly isReplay: boolean
  /** Adds to what this proof counts. */
  count(more?: number): void
  /** Adds to another figure, by name: printed beside the count. */
  also(what: string, more?: number): void
  /** A figure of which the largest value is printed. */
  worst(what: string, value: number): void
  /** Reports a law that did not hold, with the command that replays the case. */
  fail(seed: number, what: string): void
}

export interface ProofOptions {
  /** As in `npm run proof -- <name>`. */
  readonly name: string
  /** What is counted, in plural: "crash images". */
  readonly unit: string
}

/** Failures after which a run stops: more of the same add nothing. */
const FAILURES_MAX = 20
const PROGRESS_MS = 10_000

/** Time since the process started: a proof may have replaced every other clock. */
const nowMs = () => process.uptime() * 1000

/**
 * Runs one proof as its process: `--count N` or `--seeds N` (what is enough), `--from N` (the first seed), `--seed N` (only
 * that one), `--steps N`, `--minutes N` (count for so long instead). The last line is its result as JSON, read by
 * scripts/proofs.mjs.
 */
export async function prove(options: ProofOptions, work: (proof: Proof) => Promise<void> | void): Promise<void> {
  const run = new Run(options)
  process.on("unhandledRejection", (reason) => run.escaped(reason))
  try {
    await work(run)
  } catch (error) {
    run.escaped(error)
  }
  run.print()
  process.exitCode = run.isHeld ? 0 : 1
}

class Run implements Proof {
  readonly isReplay: boolean
  readonly steps: number | undefined
  readonly #options: ProofOptions
  readonly #from: number
  readonly #enough: number
  readonly #untilMs: number
  readonly #startedMs = nowMs()
  readonly #also = new Map<string, number>()
  #seed: number
  #counted = 0
  #failures = 0
  #printedMs = 0

  constructor(options: ProofOptions) {
    const asked = readArguments(process.argv.slice(2))
    this.#options = options
    this.isReplay = asked.seed !== undefined
    this.steps = asked.steps
    this.#from = asked.seed ?? asked.from ?? 1
    this.#seed = this.#from
    this.#enough = asked.count ?? asked.seeds ?? Number.POSITIVE_INFINITY
    this.#untilMs = this.#startedMs + (asked.minutes ?? Number.POSITIVE_INFINITY) * 60_000
  }

  get isHeld(): boolean {
    return this.#failures === 0
  }

  *seeds(): Generator<number> {
    for (this.#seed = this.#from; ; this.#seed++) {
      yield this.#seed
      this.#progress()
      if (this.isReplay || this.#counted >= this.#enough || nowMs() >= this.#untilMs) return
      if (this.#failures >= FAILURES_MAX) return
    }
  }

  count(more = 1): void {
    this.#counted += more
  }

  also(what: string, more = 1): void {
    this.#also.set(what, (this.#also.get(what) ?? 0) + more)
  }

  worst(what: string, value: number): void {
    this.#also.set(what, Math.max(this.#also.get(what) ?? 0, value))
  }

  fail(seed: number, what: string): void {
    this.#failures++
    const steps = this.steps === undefined ? "" : ` --steps ${this.steps}`
    console.log(`npm run proof -- ${this.#options.name} --seed ${seed}${steps}   ${what}`)
  }

  escaped(reason: unknown): void {
    this.fail(this.#seed, `threw: ${reason instanceof Error ? reason.stack : String(reason)}`)
  }

  print(): void {
    const { name, unit } = this.#options
    const seconds = Math.round((nowMs() - this.#startedMs) / 100) / 10
    const result = {
      proof: name,
      unit,
      count: this.#counted,
      failures: this.#failures,
      seconds,
      also: Object.fromEntries(this.#also),
    }
    console.log(JSON.stringify(result))
  }

  #progress(): void {
    const atMs = nowMs()
    if (atMs - this.#printedMs < PROGRESS_MS) return
    this.#printedMs = atMs
    const { name, unit } = this.#options
    const seconds = ((atMs - this.#startedMs) / 1000).toFixed(0)
    console.log(`${name}: ${this.#counted} ${unit}, ${this.#failures} failures, ${seconds} s`)
  }
}

type Asked = Partial<Record<"seed" | "seeds" | "from" | "count" | "steps" | "minutes", number>>

function readArguments(args: readonly string[]): Asked {
  const names = ["--seed", "--seeds", "--from", "--count", "--steps", "--minutes"]
  const found: Record<string, number> = {}
  for (let i = 0; i < args.length; i += 2) {
    const value = Number(args[i + 1])
    if (!names.includes(args[i]) || Number.isNaN(value)) {
      throw new Error(`${args[i]} ${args[i + 1] ?? ""}: known are ${names.join(", ")}, each with a number`)
    }
    found[args[i].slice(2)] = value
  }
  return found
}
