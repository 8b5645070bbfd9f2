// The custom server, compiled: `next build` does not see server.ts.
import { existsSync, mkdirSync, readdirSync, statSync } from "node:fs"
import { join } from "node:path"
import { bin, must, packages, root, run, say } from "./run.mjs"

export const serverFile = ".server/server.mjs"

/** The tracker, an app of its own: what runs in it runs in its folder. */
export const tracker = { cwd: join(root, "examples/tracker"), next: join(root, ...bin.next) }

export async function buildTracker() {
  say("building the tracker (next build)")
  await must(process.execPath, [tracker.next, "build"], { cwd: tracker.cwd, env: { NODE_ENV: "production" } })
}

/** Bundles server.ts with the app's own files; every package stays outside, so that Next and the server share them. */
export async function buildServer() {
  const startedMs = performance.now()
  say(`compiling server.ts to ${serverFile}`)
  let code = 0
  try {
    const { build } = await import("esbuild")
    mkdirSync(join(root, ".server"), { recursive: true })
    await build({
      absWorkingDir: root,
      entryPoints: ["server.ts"],
      outfile: serverFile,
      bundle: true,
      packages: "external",
      platform: "node",
      format: "esm",
      target: "node20",
      sourcemap: true,
      logLevel: "warning",
    })
  } catch (error) {
    process.stderr.write(`${error.message}\n`)
    code = 1
  }
  return { code, seconds: (performance.now() - startedMs) / 1000 }
}

/** Builds the app where there is no build yet. */
export async function buildApp() {
  if (existsSync(join(root, ".next/BUILD_ID")) && existsSync(join(root, serverFile))) return
  say("building the app (next build)")
  const { code } = await run(process.execPath, [...bin.next, "build"])
  if (code === 0) await buildServer()
}

/** Builds the app for production where its build is missing or older than its sources. */
export async function ensureApp() {
  if (isBuildFresh()) {
    say("the app is built")
    return
  }
  say("building the app (next build)")
  await must(process.execPath, [...bin.next, "build"], { env: { NODE_ENV: "production" } })
}

function isBuildFresh() {
  const builtMs = newestMs(join(root, ".next/BUILD_ID"))
  const sources = [
    "app",
    "docs",
    "scripts/docs",
    "next.config.mjs",
    "lf.server.ts",
    "instrumentation.ts",
    "package-lock.json",
  ]
  const inputs = [...sources, ...packages.map((name) => `${name}/dist`)]
  return builtMs > 0 && inputs.every((input) => newestMs(join(root, input)) < builtMs)
}

/** Modification time of the file, or of the newest file under the folder; 0 if there is none. */
function newestMs(path) {
  const stat = statSync(path, { throwIfNoEntry: false })
  if (stat === undefined) return 0
  if (!stat.isDirectory()) return stat.mtimeMs
  return readdirSync(path).reduce((newest, name) => Math.max(newest, newestMs(join(path, name))), 0)
}
