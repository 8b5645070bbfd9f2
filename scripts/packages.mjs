// The packages as they would be published: each is packed, and publint and attw look at the tarball.
import { mkdtempSync, readdirSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { bin, npm, packages, run } from "./run.mjs"

/** A step of `npm run check`. What the packages export must be compiled already. */
export async function packagesStep() {
  const startedMs = performance.now()
  const folder = mkdtempSync(join(tmpdir(), "lf-packs-"))
  try {
    const into = ["--ignore-scripts", "--silent", "--pack-destination", folder]
    const packed = await run(npm, ["pack", ...into, ...packages.map((name) => `./${name}`)], { quiet: true })
    const tarballs = readdirSync(folder).map((name) => join(folder, name))
    const isPacked = packed.code === 0 && tarballs.length === packages.length
    const looks = isPacked ? await Promise.all(tarballs.map(lookAt)) : [{ code: 1, output: packed.output }]
    return {
      code: looks.every(({ code }) => code === 0) ? 0 : 1,
      output: looks.map(({ output }) => output).join(""),
      seconds: (performance.now() - startedMs) / 1000,
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function lookAt(tarball) {
  const node = process.execPath
  // Node 20 resolves types as these packages are used: as modules.
  const attw = await run(node, [...bin.attw, tarball, "--profile", "esm-only", "--no-color"], { quiet: true })
  const publint = await run(node, [...bin.publint, tarball, "--strict"], { quiet: true })
  const failed = [attw, publint].filter(({ code }) => code !== 0)
  return { code: failed.length, output: failed.map(({ output }) => output).join("") }
}
