import { readdir, readFile } from "node:fs/promises"
import { resolve } from "node:path"

interface PackageJson {
  readonly dependencies: Readonly<Record<string, string>>
  readonly [field: string]: unknown
}

/** This package's version, which the @lf packages share. */
export async function ownVersion(): Promise<string> {
  const text = await readFile(new URL("../package.json", import.meta.url), "utf8")
  return String(JSON.parse(text).version)
}

/** The app's package.json: the template's, with its name and with this release of the @lf packages. */
export async function appPackageJson(options: {
  readonly template: string
  readonly name: string
  readonly lfFrom?: string | undefined
}): Promise<string> {
  const { template, name, lfFrom } = options
  const json: PackageJson = JSON.parse(template) // our own file
  const versionOf = lfFrom === undefined ? await releasedVersion() : await packedVersion(resolve(lfFrom))
  const dependencies = Object.fromEntries(
    Object.entries(json.dependencies).map(([dependency, version]) => [
      dependency,
      dependency.startsWith("@lf/") ? versionOf(dependency) : version,
    ]),
  )
  return `${JSON.stringify({ ...json, name, dependencies }, null, 2)}\n`
}

async function releasedVersion(): Promise<(dependency: string) => string> {
  const version = await ownVersion()
  return () => `^${version}`
}

/** `npm pack` calls @lf/core's tarball lf-core-0.1.0.tgz. */
async function packedVersion(directory: string): Promise<(dependency: string) => string> {
  const files = await readdir(directory)
  return (dependency) => {
    const prefix = `${dependency.slice(1).replace("/", "-")}-`
    const file = files.find((name) => name.startsWith(prefix) && name.endsWith(".tgz"))
    if (file === undefined) throw new Error(`there is no ${prefix}*.tgz in ${directory}`)
    return `file:${resolve(directory, file)}`
  }
}
