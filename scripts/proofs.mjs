// The list of proofs, the goal of each, and how they run side by side.
import { mkdirSync } from "node:fs"
import { join } from "node:path"
import { ensureBuilt } from "./install.mjs"
import { findPostgres } from "./postgres.mjs"
import { root, run, say } from "./run.mjs"
import { buildApp } from "./server.mjs"
import { findTool } from "./tools.mjs"

const peers = ["react", "react-dom", "@tanstack/react-query"]
const [react, reactDom, query] = peers

/** Where these peers are: the oldest of those named, the newest of the others. */
function peersOf(...oldest) {
  const folderOf = (name) => (oldest.includes(name) ? "./proof/hooks/oldest/node_modules" : "./node_modules")
  return Object.fromEntries(peers.map((name) => [name, `${folderOf(name)}/${name}`]))
}

/**
 * Where a proof starts, below proof/, and how many processes share its goal. `needs` finds what a proof runs beside the
 * repository, as environment for its process alone. `isAlone`: it measures time, so nothing else runs meanwhile. `isList`: its
 * cases are a finite list, not random. `variants`: what is bundled in place of what, one share each. The longest come
 * first. What a proof prints besides its count is added up over its shares.
 */

const proofs = {
  kills: { entry: "kills/kills.ts", goal: 4, needs: ensureApp },
  failover: {
    entry: "kills/failover.ts",
    goal: 6,
    needs: async () => {
      await ensureApp()
      return { LF_POSTGRES_BIN: await findPostgres() }
    },
    isAlone: true,
  },
  cuts: {
    entry: "kills/cuts.ts",
    goal: 16,
    needs: async () => ({ LF_POSTGRES_BIN: await findPostgres() }),
  },
  seeds: { entry: "seeds/seeds.ts", goal: 100, shares: 2 },
  crash: { entry: "crash/crash.ts", goal: 400, shares: 2 },
  planted: {
    entry: "planted/planted.ts",
    goal: 6,
    isList: true,
    needs: async () => ({ LF_HOOKS_BUNDLE: JSON.stringify(bundling(peersOf())) }),
  },
  hooks: {
    entry: "hooks/hooks.ts",
    goal: 40,
    variants: [peersOf(), peersOf(...peers), peersOf(react, reactDom), peersOf(query)],
  },
  tabs: { entry: "tabs/tabs.ts", goal: 40, variants: [peersOf()] },
  fuzz: { entry: "fuzz/fuzz.ts", goal: 150_000 },
  sql: { entry: "sql/sql.ts", goal: 4_000, needs: async () => ({ LF_SQLITE3: await findTool("sqlite3") }) },
  flood: { entry: "flood/flood.ts", goal: 300, isAlone: true },
}

/** A bundle takes in the packages that a variant puts in place of others, and what uses them. */
function bundling(variant) {
  const core = "./packages/core/src"
  const alias = {
    "@lf/core": `${core}/index.ts`,
    "@lf/core/internal": `${core}/internal.ts`,
    "@lf/core/testing": `${core}/testing/index.ts`,
    ...variant,
  }
  if (variant === undefined) return { packages: "external", alias }
  const external = ["jsdom", "@sinonjs/fake-timers", "fast-check", "wa-sqlite", "zod"]
  return { external, define: { "process.env.NODE_ENV": '"development"' }, alias, jsx: "automatic" }
}

const lanes = 2
/** Shares of one proof start so far apart that their seeds never meet. */
const shareSeeds = 10_000_000

export const proofNames = Object.keys(proofs)

/** One proof in this terminal, with the arguments that proof/proof.ts reads. Where none says how much, its goal is enough. */
export async function proveOne(name, args) {
  const { needs, goal } = proofs[name]
  const env = await needs?.()
  const isSized = args.some((arg) => ["--seed", "--seeds", "--count", "--minutes"].includes(arg))
  const sized = isSized ? args : [...args, "--count", String(goal)]
  const { code } = await run(process.execPath, ["--enable-source-maps", await bundle(name, shareOf(args)), ...sized], {
    env,
  })
  return code
}

/** The share that a seed belongs to. */
function shareOf(args) {
  const at = args.findIndex((arg) => arg === "--seed" || arg === "--from")
  return at < 0 ? 0 : Math.floor(Number(args[at + 1]) / shareSeeds)
}

/**
 * Every proof at its goal, or all of them in about `minutes`, which those share that could go on for ever. Answers a row
 * for the table of each, and what was counted.
 */
export async function proveAll({ minutes, from = 1 } = {}) {
  const jobs = []
  for (const [name, proof] of Object.entries(proofs)) {
    const { goal, variants, shares = variants?.length ?? 1, needs, isList = false } = proof
    const env = await needs?.()
    for (let share = 0; share < shares; share++) {
      const file = await bundle(name, share)
      let size = ["--count", Math.ceil(goal / shares)]
      if (minutes !== undefined) size = isList ? [] : ["--minutes", minutesEach(minutes) / shares]
      const first = isList ? 1 : from + share * shareSeeds
      jobs.push({ name, env, args: [file, "--from", first, ...size].map(String) })
    }
  }
  const isAlone = ({ name }) => proofs[name].isAlone === true
  const others = jobs.filter((job) => !isAlone(job))
  const ended = await inLanes(others, lanes, prove)
  const alone = await inLanes(jobs.filter(isAlone), 1, prove)
  return summary([...ended, ...alone], minutes === undefined)
}

async function prove({ name, env, args }) {
  say(`proof: ${name} ${args.slice(1).join(" ")}`)
  const done = await run(process.execPath, ["--enable-source-maps", ...args], { env, quiet: true })
  if (done.code !== 0) process.stdout.write(done.output)
  const result = resultOf(done.output)
  say(`proof: ${name} ends with ${result?.count ?? 0} ${result?.unit ?? "of nothing"} in ${done.seconds.toFixed(0)} s`)
  return { name, ...done, result }
}

/** What each proof gets of so many minutes: one that runs alone takes the time of all lanes. */
function minutesEach(minutes) {
  const timed = Object.values(proofs).filter(({ isList }) => !isList)
  return (minutes * lanes) / timed.reduce((sum, { isAlone }) => sum + (isAlone ? lanes : 1), 0)
}

/** One row per proof, its shares added up. A proof that counts less than its goal has not been run. */
function summary(ended, hasGoals) {
  const figures = {}
  const steps = proofNames.map((name) => {
    const shares = ended.filter((job) => job.name === name)
    const results = shares.map(({ result }) => result).filter((result) => result !== undefined)
    const count = results.reduce((sum, result) => sum + result.count, 0)
    const failures = results.reduce((sum, result) => sum + result.failures, 0)
    const also = {}
    for (const result of results) {
      for (const [what, more] of Object.entries(result.also)) also[what] = (also[what] ?? 0) + more
    }
    const isEnough = !hasGoals || count >= proofs[name].goal
    const isHeld = isEnough && results.length === shares.length && shares.every(({ code }) => code === 0)
    figures[name] = { count, unit: results[0]?.unit, failures, also }
    const details = Object.entries(also).map(([what, n]) => `${n} ${what}`)
    const note = [`${count} ${results[0]?.unit ?? ""}`, ...details, `${failures} failures`].join(", ")
    const output = shares.flatMap((job) => (job.code === 0 ? [] : [job.output])).join("\n")
    return { name, code: isHeld ? 0 : 1, seconds: shares.reduce((sum, { seconds }) => sum + seconds, 0), note, output }
  })
  return { steps, figures }
}

async function inLanes(jobs, laneCount, work) {
  const waiting = [...jobs]
  const ended = []
  const lane = async () => {
    for (let job = waiting.shift(); job !== undefined; job = waiting.shift()) ended.push(await work(job))
  }
  await Promise.all(Array.from({ length: laneCount }, lane))
  return ended
}

/** The last line of a proof's output, if it came so far. */
function resultOf(output) {
  const last = output.trimEnd().split("\n").at(-1) ?? ""
  return last.startsWith('{"proof":') ? JSON.parse(last) : undefined
}

/**
 * A proof as one file in plain JavaScript: several times faster than through a test runner, and Node 20 reads no types. A
 * share of one with variants takes what its variant names into that file.
 */
async function bundle(name, share) {
  const { build } = await import("esbuild")
  const outdir = join(root, "node_modules/.lf-proof")
  mkdirSync(outdir, { recursive: true })
  const { entry, variants } = proofs[name]
  const number = variants === undefined ? 0 : share % variants.length
  const outfile = join(outdir, `${name}${number || ""}.mjs`)
  await build({
    absWorkingDir: root,
    entryPoints: [`proof/${entry}`],
    outfile,
    bundle: true,
    ...bundling(variants?.[number]),
    platform: "node",
    format: "esm",
    target: "node20",
    sourcemap: true,
    logLevel: "warning",
  })
  return outfile
}

/** The app as it is served, from the packages as they are now. */
async function ensureApp() {
  await ensureBuilt()
  await buildApp()
}
