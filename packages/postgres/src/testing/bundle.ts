import { mkdir, mkdtemp, rm } from "node:fs/promises"
import { basename, join } from "node:path"
import { build } from "esbuild"
import { afterAll } from "vitest"

const root = new URL("../../../..", import.meta.url).pathname

/** The path of a bundle of `entry`, which is below `packages/postgres/src`, where Node finds installed packages. */
export async function bundle(entry: string): Promise<string> {
  const parent = join(root, "node_modules/.lf-postgres-test")
  await mkdir(parent, { recursive: true })
  const folder = await mkdtemp(join(parent, `${process.pid}-`))
  afterAll(() => rm(folder, { recursive: true, force: true }))
  const outfile = join(folder, `${basename(entry, ".ts")}.mjs`)
  await build({
    entryPoints: [join(root, "packages/postgres/src", entry)],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    alias: {
      "@lf/core": join(root, "packages/core/src/index.ts"),
      "@lf/core/internal": join(root, "packages/core/src/internal.ts"),
    },
    external: ["pg"],
    absWorkingDir: root,
    logLevel: "error",
  })
  return outfile
}
