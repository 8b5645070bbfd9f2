import { runSim, type SimResult } from "./sim.ts"
import { node, sqliteLoader, turn } from "./sim-node.ts"
import { SqlitePool } from "./sqlite-pool.ts"

// npm run sim -- --seed 7              one run, told event by event
// npm run sim -- --seeds 1000 --from 1 many runs, a line for each that breaks a law

const STEPS = 120

const options = readOptions(node.argv.slice(2))
const pool = new SqlitePool(await sqliteLoader())
const print = (line: string) => node.stdout.write(`${line}\n`)
let escaped = ""
node.on("unhandledRejection", (reason) => {
  escaped = `unhandled: ${reason instanceof Error ? reason.stack : reason}`
})

const isOne = options.seed !== undefined
const from = options.seed ?? options.from ?? 1
const seeds = isOne ? 1 : (options.seeds ?? 100)
const steps = options.steps ?? STEPS
const startedAt = node.hrtime.bigint()
let violations = 0
let events = 0
let applied = 0
for (let seed = from; seed < from + seeds; seed++) {
  escaped = ""
  const result = await runSim({ seed, steps, pool, turn, print: isOne ? print : undefined }).catch((error: unknown) => {
    const violation = `threw: ${error instanceof Error ? error.stack?.slice(0, 2000) : error}`
    return { seed, steps, violation, trace: "", events: 0, virtualMs: 0, applied: 0 }
  })
  await turn()
  events += result.events
  applied += result.applied
  report(result, escaped)
  if (!isOne && (seed - from + 1) % 100 === 0)
    print(`${seed - from + 1} seeds, ${violations} violations, ${seconds()} s`)
}
print(
  `${seeds} seeds, ${seeds * steps} steps, ${events} events, ${applied} mutations applied, ${violations} violations, ${seconds()} s`,
)
node.exitCode = violations === 0 ? 0 : 1

function report(result: SimResult, unhandled: string): void {
  const what = result.violation ?? (unhandled === "" ? null : unhandled)
  if (what !== null) {
    violations++
    print(`npm run sim -- --seed ${result.seed} --steps ${result.steps}   ${what}`)
  } else if (isOne) print(`seed ${result.seed}: every law held, ${result.applied} applied, trace ${result.trace}`)
}

function seconds(): string {
  return (Number(node.hrtime.bigint() - startedAt) / 1e9).toFixed(1)
}

function readOptions(args: readonly string[]): { seed?: number; seeds?: number; steps?: number; from?: number } {
  const found: Record<string, number> = {}
  for (let i = 0; i < args.length; i += 2) found[args[i].replace(/^--/, "")] = Number(args[i + 1])
  return found
}
