// npm run proof -- hooks: whole pages on the real hooks, in a DOM, on a worker in memory and a real server.
import "./globals.ts"
import fc from "fast-check"
import { readFile } from "node:fs/promises"
import { createRequire } from "node:module"
import factory from "wa-sqlite/dist/wa-sqlite.mjs"
import { loadChecksum } from "@lf/core"
import { Luck } from "../../packages/core/src/testing/luck.ts"
import { prove } from "../proof.ts"
import { commands } from "./commands.ts"
import { firstScene } from "./page.tsx"
import { Instances } from "./sim-page.ts"
import { World } from "./world.ts"

const COMMANDS_MAX = 24
/** Instances that a run may need: documents of two users at two workers' lives, and the server's. */
const INSTANCES = 40

const wasm = createRequire(import.meta.url).resolve("wa-sqlite/dist/wa-sqlite.wasm")
const compiled = await WebAssembly.compile(new Uint8Array(await readFile(wasm)))
await loadChecksum()

/** What React says of an error that a boundary caught is no news. */
const said: string[] = []
console.error = (...parts: unknown[]) => {
  const text = parts.map(String).join(" ")
  if (!/error boundary|The above error|Error: Uncaught|SQL_ERROR|LfError|not-here|a bug/.test(text)) said.push(text)
}

await prove({ name: "hooks", unit: "sequences" }, async (proof) => {
  const instances = new Instances(compiled, factory)
  const print = proof.isReplay ? (line: string) => console.log(line) : () => {}
  for (const seed of proof.seeds()) {
    const violation = await violationOf(seed, instances, proof.steps ?? COMMANDS_MAX, print, proof)
    if (violation !== null) proof.fail(seed, violation)
    proof.count()
  }
})

async function violationOf(
  seed: number,
  instances: Instances,
  max: number,
  print: (line: string) => void,
  proof: { also(what: string, more?: number): void },
): Promise<string | null> {
  const [list] = fc.sample(commands(max), { seed: seed | 0, numRuns: 1 })
  await instances.fill(INSTANCES)
  said.length = 0
  const world = new World(new Luck(seed), instances, print)
  await world.start(firstScene)
  for (const one of list) await one.run({}, world)
  await world.finish()
  proof.also("commands", list.length)
  proof.also("calls", world.callCount)
  return world.violation ?? said[0] ?? null
}
