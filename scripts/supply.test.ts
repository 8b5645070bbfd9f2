// Dependencies are few, known and pinned, and run nothing when they are installed (S17).
import { readFileSync } from "node:fs"
import { createRequire } from "node:module"
import { join } from "node:path"
import { describe, expect, test } from "vitest"
import { root } from "./source-file.ts"

interface Manifest {
  readonly overrides?: Readonly<Record<string, string>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly scripts?: Readonly<Record<string, string>>
}

interface Locked {
  readonly dependencies?: Readonly<Record<string, string>>
  readonly resolved?: string
  readonly integrity?: string
  readonly link?: boolean
  readonly inBundle?: boolean
  readonly hasInstallScript?: boolean
  readonly engines?: { readonly node?: string }
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

const json = <T>(path: string): T => JSON.parse(readFileSync(join(root, path), "utf8")) as T // files of ours
const packages = ["core", "react", "next", "create-lf-app", "postgres"]
const manifestOf = (name: string) => json<Manifest>(`packages/${name}/package.json`)
const { satisfies, minVersion } = createRequire(import.meta.url)("semver") as {
  satisfies(version: string, range: string): boolean
  minVersion(range: string): { readonly version: string }
}
const { packages: locked } = json<{ packages: Record<string, Locked> }>("package-lock.json")

describe("few dependencies (S17)", () => {
  test.each(packages)("each of packages/%s is a choice written down, at one version", (name) => {
    const record = readFileSync(join(root, "docs/decisions/0005-libraries.md"), "utf8")
    for (const [dependency, version] of Object.entries(manifestOf(name).dependencies ?? {})) {
      if (dependency.startsWith("@lf/")) continue
      expect(record, dependency).toContain(`\`${dependency}\``)
      expect(version, dependency).toMatch(/^(npm:@?[\w/-]+@)?\d+\.\d+\.\d+$/)
    }
  })

  test.each(packages)("installing packages/%s runs nothing", (name) => {
    const { scripts = {} } = manifestOf(name)
    expect(Object.keys(scripts).filter((script) => /^(pre|post)?install$|^prepare$/.test(script))).toEqual([])
  })

  test("what is locked has its hash, and only tools of the build bring scripts of their own", () => {
    const entries = Object.entries(locked).filter(([path]) => path.startsWith("node_modules/"))
    const unsafe = entries.filter(([, one]) => !one.link && !one.inBundle && one.integrity === undefined)
    expect(unsafe.map(([path]) => path)).toEqual([])
    const scripted = entries
      .filter(([, one]) => one.hasInstallScript)
      .map(([path]) => path.split("node_modules/").at(-1))
    expect(scripted.filter((name) => !["@swc/core", "esbuild", "fsevents", "sharp"].includes(name ?? ""))).toEqual([])
  })

  // Once the tag points elsewhere, npm ci refuses the file: seen with Lighthouse's "latest".
  test.each(["", "bench/", "scripts/lighthouse/", "scripts/postgres-versions/"])(
    "no dependency in %spackage-lock.json is a tag that moves",
    (folder) => {
      const { overrides = {} } = json<Manifest>(`${folder}package.json`)
      const { packages: all } = json<{ packages: Record<string, Locked> }>(`${folder}package-lock.json`)
      const tags = Object.values(all).flatMap(({ dependencies = {} }) =>
        Object.entries(dependencies).filter(
          ([name, range]) => /^[a-z][\w-]*$/i.test(range) && overrides[name] === undefined,
        ),
      )
      expect(tags).toEqual([])
    },
  )

  // npm forgets other platforms' binaries where they were not installed, and npm ci then refuses the file.
  test("what other platforms need is locked too", () => {
    const missing = Object.entries(locked).flatMap(([path, one]) =>
      Object.keys(one.optionalDependencies ?? {}).filter(
        (name) => locked[`${path}/node_modules/${name}`] === undefined && locked[`node_modules/${name}`] === undefined,
      ),
    )
    expect(missing).toEqual([])
  })

  test("what is locked runs on the oldest Node that we promise", () => {
    const { engines } = json<Locked>("package.json")
    const oldest = minVersion(engines?.node ?? "none").version
    const newer = Object.entries(locked).filter(([, one]) => !satisfies(oldest, one.engines?.node ?? "*"))
    expect(newer.map(([path, one]) => `${path} wants ${one.engines?.node}`)).toEqual([])
  })
})
