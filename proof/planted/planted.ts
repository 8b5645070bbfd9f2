// npm run proof -- planted: do the simulators see a fault that we know of? Each plant is one seed of this proof.
import { spawn } from "node:child_process"
import { mkdirSync, readFileSync } from "node:fs"
import { join, resolve } from "node:path"
import { type BuildOptions, build, type Plugin } from "esbuild"
import { prove } from "../proof.ts"
import { isOfHooks, plants } from "./plants/all.ts"
import type { Edit, Plant } from "./plants/plant.ts"

/** A fault that this many runs do not show lacks a checker. */
const SEEDS_MAX = 600
/** A faulty build may also hang: that is no verdict of a checker. */
const PATIENCE_MS = 180_000

/** The line with which the hooks' proof shows a failure. */
const HOOKS_FAILURE = /^npm run proof -- hooks --seed (\d+) +(.*)$/m
/** How scripts/proofs.mjs bundles the hooks' simulator. */
const hooksBundle: BuildOptions = JSON.parse(process.env.LF_HOOKS_BUNDLE ?? "{}")
const root = process.cwd()
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

interface Verdict {
  readonly verdict: string
  /** In which run it was caught; null: in none. */
  readonly seeds: number | null
}

async function tryOut(plant: Plant, number: number): Promise<Verdict> {
  const outfile = join(folder, `${number}.mjs`)
  const common = {
    absWorkingDir: root,
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
  } as const
  if (isOfHooks(plant)) {
    const plugins = [planting("packages/react/src", plant.edits)]
    await build({ ...common, ...hooksBundle, entryPoints: ["proof/hooks/hooks.ts"], logLevel: "error", plugins })
    return ofHooks(await runToEnd(outfile, ["--from", "1", "--count", String(SEEDS_MAX)], HOOKS_FAILURE))
  }
  const plugins = [planting("packages/core/src", plant.edits)]
  const entryPoints = ["proof/planted/suspect.ts"]
  await build({ ...common, packages: "external", entryPoints, logLevel: "error", plugins })
  const output = await runToEnd(outfile, ["1", String(SEEDS_MAX)])
  const found = output.trimEnd().split("\n").at(-1) ?? ""
  if (!found.startsWith("{")) return { verdict: `${SEEDS_MAX} runs did not show it ${found}`, seeds: null }
  const { violation, seeds } = JSON.parse(found)
  return { verdict: violation, seeds }
}

function ofHooks(output: string): Verdict {
  const [, seed, violation] = HOOKS_FAILURE.exec(output) ?? []
  if (violation !== undefined) return { verdict: violation, seeds: Number(seed) }
  return { verdict: `${SEEDS_MAX} runs did not show it ${output.slice(-300)}`, seeds: null }
}

function planting(sources: string, edits: readonly Edit[]): Plugin {
  return {
    name: "planted",
    setup({ onLoad }) {
      onLoad({ filter: /packages[\\/](core|react)[\\/]src[\\/].*\.tsx?$/ }, ({ path }) => {
        const text = readFileSync(path, "utf8")
        const own = edits.filter(({ file }) => resolve(root, sources, file) === path)
        const loader = path.endsWith("x") ? "tsx" : "ts"
        return { contents: own.reduce((changed, edit) => planted(changed, edit), text), loader }
      })
    },
  }
}

function planted(text: string, { file, find, replace }: Edit): string {
  const parts = text.split(find)
  if (parts.length !== 2) throw new Error(`the plant fits ${file} at ${parts.length - 1} places:\n${find}`)
  return parts.join(replace)
}

/** All that it printed, up to `enough` where that is given. */
function runToEnd(file: string, args: readonly string[], enough?: RegExp): Promise<string> {
  return new Promise((done) => {
    const child = spawn(process.execPath, [file, ...args], { stdio: ["ignore", "pipe", "pipe"] })
    let output = ""
    child.stdout.on("data", (chunk) => {
      output += chunk
      if (enough?.test(output)) child.kill("SIGKILL")
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
