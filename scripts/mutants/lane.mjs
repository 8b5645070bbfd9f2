// A process that runs test files, as often as it is asked, each time with another mutant switched on.
import { readFileSync } from "node:fs"
import { builtinModules, createRequire } from "node:module"
import vm from "node:vm"

const casesMax = 100
const namespace = "__stryker__"
const require = createRequire(import.meta.url)
const root = process.cwd()

// Vitest's own words (test, expect, vi) without its workers, which take a second to start: this is the state that they look for.
globalThis.__vitest_worker__ = {
  config: { expect: {}, snapshotOptions: {}, fakeTimers: { loopLimit: 10_000 } },
  ctx: {},
  environment: { name: "node" },
  metaEnv: process.env,
  filepath: "",
  durations: {},
  providedContext: {},
  moduleExecutionInfo: new Map(),
  onCleanup() {},
}
if (process.argv[2] === "jsdom") {
  const { builtinEnvironments } = await import("vitest/runtime")
  await builtinEnvironments.jsdom.setup(globalThis, {})
}
const vitest = await import("vitest")
const { startTests } = await import("@vitest/runner")

const config = {
  root,
  setupFiles: [],
  sequence: { hooks: "stack", setupFiles: "list", seed: 1, concurrent: false, shuffle: false },
  passWithNoTests: true,
  maxConcurrency: 1,
  testTimeout: 240_000,
  hookTimeout: 240_000,
  retry: 0,
  includeTaskLocation: false,
  allowOnly: true,
  tags: [],
  strictTags: false,
}

// The same wasm is compiled once, not once per mutant.
const compiled = new Map()
const compile = WebAssembly.compile
WebAssembly.compile = (bytes) => {
  const known = compiled.get(bytes.byteLength) ?? compile(bytes)
  compiled.set(bytes.byteLength, known)
  return known
}

/** Node from 20.12 on wants the constant, before that there was only the function. */
const importModuleDynamically = vm.constants?.USE_MAIN_CONTEXT_DEFAULT_LOADER ?? ((name) => import(name))
const modules = new Map()
const scripts = new Map()
let escaped = null
process.on("unhandledRejection", (reason) => {
  escaped = `unhandled: ${reason}`
})
process.on("uncaughtException", (error) => {
  escaped = `uncaught: ${error}`
})
process.on("disconnect", () => process.exit())
process.on("message", async (job) => process.send(await runFile(job)))

/** Runs one test file, or the named tests of it, until one fails or, with `goesOn`, all. Returns what failed and what each reached. */
async function runFile({ file, mutant, hitsMax, names, goesOn = false }) {
  const script = await scriptOf(file)
  const state = { activeMutant: interned(mutant), hitCount: 0, hitLimit: hitsMax }
  globalThis[namespace] = state
  escaped = null
  const known = new Set(Reflect.ownKeys(globalThis))
  const isWanted = names && new Set(names)
  const tests = []
  let failed = null
  const runner = {
    config,
    importFile: () => evaluate(script, file),
    onBeforeRunTask(task) {
      if ((failed !== null && !goesOn) || (isWanted && !isWanted.has(nameOf(task)))) task.mode = "skip"
      else state.currentTestId = nameOf(task)
    },
    onAfterRunTask(task) {
      state.currentTestId = undefined
      if (task.result?.state === "fail") failed ??= nameOf(task)
      const { duration: ms = 0, state: result } = task.result ?? {}
      if (task.mode !== "skip") tests.push({ name: nameOf(task), ms, isFailed: result === "fail" })
    },
  }
  const [result] = await startTests([file.outfile], runner)
  for (let i = 0; i < 3; i++) await new Promise((resolve) => setImmediate(resolve))
  // What a server shares by way of globalThis is of this run only.
  for (const key of Reflect.ownKeys(globalThis)) if (!known.has(key)) Reflect.deleteProperty(globalThis, key)
  const why = firstError(result)
  failed ??= why ?? escaped
  return { failed, why, isEndless: state.hitCount > state.hitLimit, reach: state.mutantCoverage ?? null, tests }
}

/** As a key, so that a comparison with the same literal in the source compares two pointers. */
function interned(text) {
  return text === null ? null : Object.keys({ [`${text}`]: 0 })[0]
}

async function scriptOf(file) {
  for (const name of file.externals) {
    if (!modules.has(name)) modules.set(name, name === "vitest" ? vitest : await importOf(name))
  }
  if (!scripts.has(file.outfile)) {
    const text = readFileSync(file.outfile, "utf8")
    const options = { filename: file.outfile, importModuleDynamically }
    scripts.set(file.outfile, new vm.Script(`(function (require, module, exports) {${text}\n})`, options))
  }
  return scripts.get(file.outfile)
}

async function importOf(name) {
  if (builtinModules.includes(name.replace("node:", ""))) return require(name)
  const loaded = await import(name)
  if (name === "fast-check") return { ...loaded, assert: assertBriefly(loaded) }
  return typeof loaded.default === "function" && Object.keys(loaded).length === 1 ? loaded.default : loaded
}

/** The same cases for every mutant, not many, and none made smaller: one that fails is enough. */
function assertBriefly(fc) {
  return (property, { numRuns = casesMax, ...options } = {}) =>
    fc.assert(property, { ...options, seed: 1, endOnFailure: true, numRuns: Math.min(numRuns, casesMax) })
}

function evaluate(script) {
  const module = { exports: {} }
  script.runInThisContext()((name) => modules.get(name) ?? require(name), module, module.exports)
}

function nameOf(task) {
  return task.suite === undefined ? task.name : `${nameOf(task.suite)} > ${task.name}`
}

function firstError(task) {
  for (const child of task.tasks ?? []) {
    const found = firstError(child)
    if (found) return found
  }
  if (task.result?.state !== "fail") return null
  return (task.result.errors?.[0]?.message ?? "it failed").slice(0, 200)
}
