// npm run proof -- tabs: several shipped tabs on the shipped worker, without React, and a real server: order, outcomes, status.
import { SeededRandom } from "@lf/core/testing"
import "../hooks/globals.ts"
import { readFile } from "node:fs/promises"
import { createRequire } from "node:module"
import { loadChecksum } from "@lf/core/internal"
import factory from "wa-sqlite/dist/wa-sqlite.mjs"
import { Instances } from "../hooks/sim-page.ts"
import { prove } from "../proof.ts"
import { TabsWorld } from "./world.ts"

const STEPS = 50
/** Instances that a run may need: one for each start of the worker, and the server's. */
const INSTANCES = 40

const wasm = createRequire(import.meta.url).resolve("wa-sqlite/dist/wa-sqlite.wasm")
const compiled = await WebAssembly.compile(new Uint8Array(await readFile(wasm)))
await loadChecksum()
console.warn = () => {}
console.error = () => {}

await prove({ name: "tabs", unit: "worlds of tabs" }, async (proof) => {
  const instances = new Instances(compiled, factory)
  const print = proof.isReplay ? console.log : () => {}
  for (const seed of proof.seeds()) {
    await instances.fill(INSTANCES)
    const world = new TabsWorld(new SeededRandom(seed), instances, print)
    const violation = await world.run(proof.steps ?? STEPS)
    if (violation !== null) proof.fail(seed, violation)
    proof.count()
    proof.also("calls", world.callCount)
  }
})
