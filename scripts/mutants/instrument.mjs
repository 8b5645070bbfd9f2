// An area as it is tested: all its mutants in one build, of which a run switches on one, and a bundle for each of its tests.
import { mkdirSync, readdirSync, readFileSync, statSync } from "node:fs"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { Instrumenter } from "@stryker-mutator/instrumenter"
import { build } from "esbuild"
import { root } from "../run.mjs"

const silent = { isDebugEnabled: () => false, debug() {}, info() {}, warn() {} }
const sourceNames = /\.tsx?$/
const testNames = /\.test\.tsx?$/

/**
 * What is no behaviour: claims about our own code (assert, unreachable), which hold whatever comes; and of an error that is
 * made or thrown the sentence for people and its cause. The codes of errors are mutated.
 */
const ignorer = {
  shouldIgnore(path) {
    const { node } = path
    if (node.type === "CallExpression" && /^(assert|unreachable)$/.test(node.callee.name)) return "a claim"
    if (path.listKey !== "arguments" || !isOfError(path)) return undefined
    if (node.type === "ObjectExpression")
      return node.properties.every(({ key }) => key?.name === "cause") ? "a cause" : undefined
    return isSentence(node) ? "a sentence" : undefined
  },
}

function isOfError({ parent, parentPath }) {
  return /Error$/.test(parent.callee?.name ?? "") || parentPath.parent.type === "ThrowStatement"
}

function isSentence(node) {
  if (node.type === "StringLiteral") return node.value.includes(" ")
  if (node.type === "BinaryExpression") return isSentence(node.left) || isSentence(node.right)
  return node.type === "TemplateLiteral" && node.quasis.some(({ value }) => value.raw.includes(" "))
}

/** The mutants of an area's files, and the files with all of them. */
export async function instrument(area) {
  const files = expand(area.files, (name) => sourceNames.test(name) && !testNames.test(name) && !name.endsWith(".d.ts"))
  const texts = new Map(files.map((file) => [file, readFileSync(join(root, file), "utf8")]))
  const instrumenter = new Instrumenter(silent)
  const inputs = files.map((name) => ({ name, mutate: true, content: texts.get(name) }))
  const options = { plugins: null, excludedMutations: [], ignorers: [ignorer] }
  const result = await instrumenter.instrument(inputs, options)
  const mutants = result.mutants
    .filter(({ status }) => status === undefined)
    .map(({ id, fileName, mutatorName, location, replacement }) => {
      const lines = texts.get(fileName).split("\n")
      const line = lines[location.start.line].trim()
      const from = textAt(lines, location)
      return { id, file: fileName, lineNo: location.start.line + 1, operator: mutatorName, line, from, to: replacement }
    })
  return {
    files,
    mutants,
    contents: new Map(result.files.map(({ name, content }) => [join(root, name), fast(content)])),
  }
}

/** Counts what a test reaches only while no mutant is switched on: worlds run twice as fast. */
function fast(content) {
  const counting = "function cover() {"
  if (content.includes("stryCov") && !content.includes(counting))
    throw new Error("the instrumenter counts in another way")
  return content.replace(counting, `${counting} if (ns.activeMutant) return;`)
}

/** One CommonJS file for each test: such a file can be run again in one process, with another mutant switched on. */
export async function bundle(area, contents) {
  const tests = [...new Set(area.tests.flatMap((test) => expand([test], (name) => testNames.test(name))))]
  const outdir = join(root, "node_modules/.lf-mutants", area.name.replaceAll(" ", "-"))
  mkdirSync(outdir, { recursive: true })
  const bundles = []
  for (const test of tests) {
    const outfile = join(outdir, `${test.replaceAll("/", "_")}.cjs`)
    const { metafile } = await build({
      absWorkingDir: root,
      entryPoints: [test],
      outfile,
      bundle: true,
      metafile: true,
      packages: "external",
      alias: entryPoints,
      platform: "node",
      format: "cjs",
      target: "node20",
      jsx: "automatic",
      logLevel: "error",
      plugins: [withContents(contents)],
    })
    const imports = Object.values(metafile.outputs).flatMap((output) => output.imports)
    const externals = imports
      .filter(({ external, kind }) => external && kind !== "dynamic-import")
      .map(({ path }) => path)
    bundles.push({ test, outfile, externals: [...new Set(externals)] })
  }
  return bundles
}

const entryPoints = {
  "@lf/core": "./packages/core/src/index.ts",
  "@lf/core/internal": "./packages/core/src/internal.ts",
  "@lf/core/testing": "./packages/core/src/testing/index.ts",
  "@lf/react": "./packages/react/src/index.ts",
  "@lf/react/worker": "./packages/react/src/worker/index.ts",
  "@lf/react/testing": "./packages/react/src/testing/index.ts",
  "@lf/next/node": "./packages/next/src/node/index.ts",
  "@lf/next": "./packages/next/src/index.ts",
}

/** CommonJS has no import.meta: each file is given its own place as a constant. */
function withContents(contents) {
  return {
    name: "mutants",
    setup({ onLoad }) {
      onLoad({ filter: /packages\/.*\.tsx?$|scripts\/mutants\/.*\.ts$/ }, ({ path }) => {
        const text = contents.get(path) ?? readFileSync(path, "utf8")
        const loader = path.endsWith("x") ? "tsx" : "ts"
        const dirname = JSON.stringify(join(path, ".."))
        const url = JSON.stringify(pathToFileURL(path).href)
        const placed = text
          .replaceAll("import.meta.dirname", dirname)
          .replaceAll("import.meta.url", url)
          .replaceAll("(import.meta as unknown as { url: string }).url", url)
        return { contents: placed, loader }
      })
    },
  }
}

function textAt(lines, { start, end }) {
  const text = lines.slice(start.line, end.line + 1)
  text[text.length - 1] = text[text.length - 1].slice(0, end.column)
  text[0] = text[0].slice(start.column)
  return text.join("\n")
}

/** Files are themselves; folders are what is directly in them and is wanted. */
function expand(paths, isWanted) {
  return paths.flatMap((path) => {
    if (!statSync(join(root, path)).isDirectory()) return [path]
    const names = readdirSync(join(root, path)).filter(isWanted).sort()
    return names.map((name) => `${path}/${name}`)
  })
}
