// npm run proof -- hooks: whole pages on the real hooks, in a DOM, on a worker in memory and a real server.
import { SeededRandom } from "@lf/core/testing"
import "./globals.ts"
import { readFile } from "node:fs/promises"
import { createRequire } from "node:module"
import { loadChecksum } from "@lf/core/internal"
import fc from "fast-check"
import factory from "wa-sqlite/dist/wa-sqlite.mjs"
import { prove } from "../proof.ts"
import { commands, type Model } from "./commands.ts"
import { firstScene } from "./page.tsx"
import { Instances } from "./sim-page.ts"
import { World } from "./world.ts"

const COMMANDS_MAX = 24
/** A failing run shrinks for so long. */
const SHRINK_S_MAX = 60
/** Instances that a run may need: documents of two users in two workers, and the server's. */
const INSTANCES = 60

const wasm = createRequire(import.meta.url).resolve("wa-sqlite/dist/wa-sqlite.wasm")
const compiled = await WebAssembly.compile(new Uint8Array(await readFile(wasm)))
await loadChecksum()

/** Errors that React and the hooks print, without those that the run asked for. */
const said: string[] = []
console.warn = () => {}
console.error = (...parts: unknown[]) => {
  const text = parts.map(String).join(" ")
  if (!/error boundary|The above error|Error: Uncaught|SQL_ERROR|LfError|not-here|a bug|not wrapped in act/.test(text))
    said.push(text)
}

await prove({ name: "hooks", unit: "sequences" }, async (proof) => {
  const instances = new Instances(compiled, factory)
  // The first page of a process finds no lock of its tab, every other one does.
  await run(new World(new SeededRandom(0), instances, () => {}), instances, [])
  const max = proof.steps ?? COMMANDS_MAX
  for (const seed of proof.seeds()) {
    const startedS = process.uptime()
    const property = fc.asyncProperty(commands(max), async (list) => {
      if (process.uptime() - startedS > SHRINK_S_MAX) return
      const world = new World(new SeededRandom(seed), instances, () => {})
      const violation = await run(world, instances, list)
      proof.also("calls", world.callCount)
      if (violation !== null) throw new Error(violation)
    })
    const { failed, counterexample, errorInstance } = await fc.check(property, {
      seed: seed | 0,
      numRuns: 1,
      // A replay shrinks.
      endOnFailure: !proof.isReplay,
    })
    if (failed) proof.fail(seed, `${(errorInstance as Error).message}`)
    if (failed && proof.isReplay) {
      for (const list of counterexample ?? [])
        await run(new World(new SeededRandom(seed), instances, console.log), instances, list)
    }
    proof.count()
  }
})

async function run(
  world: World,
  instances: Instances,
  list: Iterable<fc.AsyncCommand<Model, World>>,
): Promise<string | null> {
  await instances.fill(INSTANCES)
  said.length = 0
  await world.start(firstScene)
  await fc.asyncModelRun(() => ({ model: {}, real: world }), list)
  await world.finish()
  return world.violation ?? said[0] ?? null
}
