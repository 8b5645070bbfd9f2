// The packages as they would be published: each is packed, and publint and attw look at the tarball.
// `npm run pack -- <folder>` leaves the tarballs there, for a release.
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { basename, join, resolve } from "node:path"
import { stagePackage } from "./docs/stage.mjs"
import { bin, npm, packages, run, say } from "./run.mjs"

/** A step of `npm run check`. What the packages export must be compiled already. */
export async function packagesStep() {
  const startedMs = performance.now()
  const folder = mkdtempSync(join(tmpdir(), "lf-packs-"))
  try {
    const packed = await pack(folder)
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

/** Writes a tarball of each package, with the manual, into the folder. */
export async function pack(into) {
  const stages = mkdtempSync(join(tmpdir(), "lf-stages-"))
  try {
    const folders = packages.map((name) => join(stages, basename(name)))
    packages.forEach((name, i) => {
      stagePackage(name, folders[i])
    })
    const options = ["--ignore-scripts", "--silent", "--pack-destination", into]
    return await run(npm, ["pack", ...options, ...folders], { quiet: true })
  } finally {
    rmSync(stages, { recursive: true, force: true })
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

if (process.argv[1]?.endsWith("packages.mjs")) {
  const into = resolve(process.argv[2] ?? "packs")
  mkdirSync(into, { recursive: true })
  const { code, output } = await pack(into)
  process.stdout.write(output)
  say(code === 0 ? `the packages are in ${into}` : "npm pack failed")
  process.exitCode = code
}
