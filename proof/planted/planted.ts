// npm run proof -- planted: does the simulator see a fault that we know of? Each plant is one seed of this proof.
import { spawn } from "node:child_process"
import { mkdirSync, readFileSync } from "node:fs"
import { join, resolve } from "node:path"
import { build, type Plugin } from "esbuild"
import { prove } from "../proof.ts"
import { plants } from "./plants/all.ts"
import type { Edit, Plant } from "./plants/plant.ts"

/** A fault that this many runs do not show is one that a checker is missing for. */
const SEEDS_MAX = 300
/** A faulty build may also hang: that is no verdict of a checker. */
const PATIENCE_MS = 180_000

const root = process.cwd()
const sources = resolve(root, "packages/core/src")
const folder = join(root, "node_modules/.lf-proof/planted")

await prove({ name: "planted", unit: "planted bugs" }, async (proof) => {
  mkdirSync(folder, { recursive: true })
  for (const seed of proof.seeds()) {
    const plant = plants[seed - 1]
    if (plant === undefined) return
    const { verdict, seeds } = await tryOut(plant, seed).catch((error: unknown) => ({
      verdict: String(error),
      seeds: null,
    }))
    if (seeds === null) proof.fail(seed, `${plant.name}: ${verdict}`)
    else console.log(`${plant.name}: caught in run ${seeds}: ${verdict}`)
    proof.count()
    proof.also("runs", seeds ?? SEEDS_MAX)
  }
})

/** `seeds`: in which run it was caught; null: in none. */
async function tryOut(plant: Plant, number: number): Promise<{ verdict: string; seeds: number | null }> {
  const outfile = join(folder, `${number}.mjs`)
  await build({
    absWorkingDir: root,
    entryPoints: ["proof/planted/suspect.ts"],
    outfile,
    bundle: true,
    packages: "external",
    platform: "node",
    format: "esm",
    target: "node20",
    logLevel: "error",
    plugins: [planting(plant.edits)],
  })
  const output = await runToEnd(outfile)
  const found = output.trimEnd().split("\n").at(-1) ?? ""
  if (!found.startsWith("{")) return { verdict: `${SEEDS_MAX} runs did not show it ${found}`, seeds: null }
  const { violation, seeds } = JSON.parse(found)
  return { verdict: violation, seeds }
}

function planting(edits: readonly Edit[]): Plugin {
  return {
    name: "planted",
    setup({ onLoad }) {
      onLoad({ filter: /packages[\\/]core[\\/]src[\\/].*\.ts$/ }, ({ path }) => {
        const text = readFileSync(path, "utf8")
        const own = edits.filter(({ file }) => resolve(sources, file) === path)
        return { contents: own.reduce((changed, edit) => planted(changed, edit), text), loader: "ts" }
      })
    },
  }
}

function planted(text: string, { file, find, replace }: Edit): string {
  const parts = text.split(find)
  if (parts.length !== 2) throw new Error(`the plant fits ${file} at ${parts.length - 1} places:\n${find}`)
  return parts.join(replace)
}

function runToEnd(file: string): Promise<string> {
  return new Promise((done) => {
    const child = spawn(process.execPath, [file, "1", String(SEEDS_MAX)], { stdio: ["ignore", "pipe", "pipe"] })
    let output = ""
    child.stdout.on("data", (chunk) => {
      output += chunk
    })
    let errors = ""
    child.stderr.on("data", (chunk) => {
      errors = (errors + chunk).slice(-500)
    })
    const timer = setTimeout(() => child.kill("SIGKILL"), PATIENCE_MS)
    child.on("close", (code) => {
      clearTimeout(timer)
      done(code === 0 ? output : `${output}${errors}`)
    })
  })
}
