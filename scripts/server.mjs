// The custom server, compiled: `next build` does not see server.ts.
import { existsSync, mkdirSync } from "node:fs"
import { join } from "node:path"
import { bin, root, run, say } from "./run.mjs"

export const serverFile = ".server/server.mjs"

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
