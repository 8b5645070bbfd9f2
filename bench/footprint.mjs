// What a page loads, gzip bytes, glue, worker and wasm apart, against the goals and against Replicache and PGlite; and the
// memory of a process with a document and one live query against TanStack DB with the same rows.
import { execFile } from "node:child_process"
import { readFile } from "node:fs/promises"
import { createRequire } from "node:module"
import { relative } from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { gzipSync } from "node:zlib"
import { build } from "esbuild"
import { interleaveAsync, row } from "./measure.mjs"

const GLUE_BYTES_GOAL = 25_000
const WASM_BYTES_GOAL = 510_000
const here = fileURLToPath(new URL(".", import.meta.url))
const resolve = (name) => createRequire(import.meta.url).resolve(name)
const exec = promisify(execFile)

export async function run({ quick }) {
  const react = fileURLToPath(new URL("../packages/react/src/", import.meta.url))
  const glue = await bundle(`${react}index.ts`)
  const worker = await bundle(`${react}worker/index.ts`)
  const wasm = await gzipOf(resolve("wa-sqlite/dist/wa-sqlite.wasm"))
  const replicache = await bundle(resolve("replicache"))
  const pglite = (await Promise.all(["pglite.wasm", "pglite.data"].map(pgliteFile))).reduce((sum, bytes) => sum + bytes)
  const line = (variant, value, peerValue, peer, goal) =>
    row("footprint", variant, "bytes", { value, peerValue, n: 1 }, peer, goal, { bytes: value })
  return [
    line("glue", glue, GLUE_BYTES_GOAL, "goal", "<= 1"),
    line("wasm", wasm, WASM_BYTES_GOAL, "goal", "<= 1"),
    line("glue and worker, no wasm", glue + worker, replicache, "Replicache"),
    line("glue, worker and wasm", glue + worker + wasm, pglite, "PGlite's wasm and data"),
    await memory(quick ? 10_000 : 100_000, quick ? 2 : 5),
  ]
}

/** Minified, without what is loaded later, and without the packages that the app has anyway. */
async function bundle(entry) {
  const { outputFiles, metafile } = await build({
    entryPoints: { entry },
    bundle: true,
    minify: true,
    splitting: true,
    format: "esm",
    platform: "browser",
    write: false,
    metafile: true,
    outdir: here,
    absWorkingDir: here,
    legalComments: "none",
    loader: { ".wasm": "file" },
    external: ["react", "react-dom", "react/jsx-runtime", "next", "next/*", "@tanstack/*"],
    define: { "process.env.NODE_ENV": '"production"' },
    logLevel: "error",
  })
  const loaded = new Set(["entry.js"])
  for (const name of loaded)
    for (const { kind, path, external } of metafile.outputs[name].imports)
      if (kind === "import-statement" && external !== true) loaded.add(path)
  return outputFiles
    .filter(({ path }) => loaded.has(relative(here, path)))
    .reduce((sum, { contents }) => sum + gzipSync(contents, { level: 9 }).length, 0)
}

async function gzipOf(path) {
  return gzipSync(await readFile(path), { level: 9 }).length
}

function pgliteFile(name) {
  return gzipOf(new URL(`./${name}`, `file://${resolve("@electric-sql/pglite")}`))
}

async function memory(rows, rounds) {
  const child = async (engine) => {
    const { stdout } = await exec(process.execPath, ["--expose-gc", `${here}children/rss.mjs`, engine, String(rows)])
    const { rssBytes, shown } = JSON.parse(stdout)
    if (shown !== Math.min(rows / 1_000, 100)) throw new Error(`${engine} shows ${shown} todos`)
    return rssBytes / 1_000_000
  }
  const figures = await interleaveAsync(
    rounds,
    () => child("ours"),
    () => child("tanstack"),
  )
  return row("footprint", `RSS, ${rows} rows`, "MB", figures, "TanStack DB", "<= 1")
}
