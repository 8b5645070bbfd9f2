// A process that runs test files, as often as it is asked, each time with another mutant switched on.
import { readFileSync } from "node:fs"
import { builtinModules, createRequire } from "node:module"
import vm from "node:vm"

const namespace = "__stryker__"
const require = createRequire(import.meta.url)
const root = process.cwd()

// Vitest's own words (test, expect, vi) without its workers, which take a second to start: this is the state that they look for.
globalThis.__vitest_worker__ = {
  config: { expect: {}, snapshotOptions: {}, fakeTimers: { loopLimit: 10_000 } },
  ctx: {},
  environment: { name: "node" },
  filepath: "",
  durations: {},
  providedContext: {},
  moduleExecutionInfo: new Map(),
  onCleanup() {},
}
if (process.argv[2] === "jsdom") {
  const { builtinEnvironments } = await import("vitest/environments")
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

const modules = new Map()
const scripts = new Map()
let escaped = null
process.on("unhandledRejection", (reason) => {
  escaped = `unhandled: ${reason}`
})
process.on("uncaughtException", (error) => {
  escaped = `uncaught: ${error}`
})
process.on("message", async (job) => process.send(await runFile(job)))

/** Runs one test file, or the named tests of it, until one fails. Answers which failed, and what each reached. */
async function runFile({ file, mutant, hitsMax, names }) {
  const script = await scriptOf(file)
  const state = { activeMutant: mutant, hitCount: 0, hitLimit: hitsMax }
  globalThis[namespace] = state
  escaped = null
  const isWanted = names && new Set(names)
  const tests = []
  let failed = null
  const runner = {
    config,
    importFile: () => evaluate(script, file),
    onBeforeRunTask(task) {
      if (failed !== null || (isWanted && !isWanted.has(nameOf(task)))) task.mode = "skip"
      else state.currentTestId = nameOf(task)
    },
    onAfterRunTask(task) {
      state.currentTestId = undefined
      if (task.result?.state === "fail") failed ??= nameOf(task)
      if (task.mode !== "skip") tests.push({ name: nameOf(task), ms: task.result?.duration ?? 0 })
    },
  }
  const [result] = await startTests([file.outfile], runner)
  for (let i = 0; i < 3; i++) await new Promise((resolve) => setImmediate(resolve))
  if (result.result?.state === "fail") failed ??= messageOf(result)
  failed ??= escaped
  const { mutantCoverage = { static: {}, perTest: {} } } = state
  return { failed, isEndless: state.hitCount > state.hitLimit, reach: mutant === null ? mutantCoverage : null, tests, why: failed && firstError(result) }
}

async function scriptOf(file) {
  for (const name of file.externals) {
    if (!modules.has(name)) modules.set(name, name === "vitest" ? vitest : await importOf(name))
  }
  if (!scripts.has(file.outfile)) {
    const text = readFileSync(file.outfile, "utf8")
    const options = { filename: file.outfile, importModuleDynamically: vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER }
    scripts.set(file.outfile, new vm.Script(`(function (require, module, exports) {${text}\n})`, options))
  }
  return scripts.get(file.outfile)
}

async function importOf(name) {
  if (builtinModules.includes(name.replace("node:", ""))) return require(name)
  const loaded = await import(name)
  // The same cases for every mutant, and none made smaller: one that fails is enough.
  if (name === "fast-check") loaded.default.configureGlobal({ seed: 1, endOnFailure: true })
  return typeof loaded.default === "function" && Object.keys(loaded).length === 1 ? loaded.default : loaded
}

function evaluate(script) {
  const module = { exports: {} }
  script.runInThisContext()((name) => modules.get(name) ?? require(name), module, module.exports)
}

function nameOf(task) {
  return task.suite === undefined ? task.name : `${nameOf(task.suite)} > ${task.name}`
}

function messageOf(task) {
  return task.result?.errors?.[0]?.message ?? "it failed"
}

function firstError(task) {
  for (const child of task.tasks ?? []) {
    const found = firstError(child)
    if (found) return found
  }
  return task.result?.state === "fail" ? messageOf(task).slice(0, 200) : null
}
