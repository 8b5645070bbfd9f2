// What a browser's bundler loads of the packages names no module of Node: Vite, Storybook and webpack refuse such a file.
import { existsSync, readFileSync } from "node:fs"
import { builtinModules } from "node:module"
import { dirname, join, resolve } from "node:path"
import { expect, test } from "vitest"
import { readSource, root } from "./source-file.ts"

const entries = [
  "@lf/core",
  "@lf/core/internal",
  "@lf/react",
  "@lf/react/worker",
  "@lf/react/devtools",
  "@lf/react/testing",
]

// It reads what is compiled: `npm run check` compiles first, by hand it is `npm run build:packages`.
test.each(entries)("nothing that %s loads imports a module of Node", (entry) => {
  const files = filesOf(fileOf(entry))
  expect(files.size).toBeGreaterThan(1)
  const found = Array.from(files).flatMap(([path, imports]) =>
    imports.filter(isOfNode).map((specifier) => `${path} -> ${specifier}`),
  )
  expect(found).toEqual([])
})

test("the walk reaches the engine and the worker of @lf/react/testing", () => {
  const paths = Array.from(filesOf(fileOf("@lf/react/testing")).keys()).join("\n")
  for (const file of ["core/dist/remote/remote.js", "core/dist/local/local.js", "react/dist/worker/worker-host.js"])
    expect(paths).toContain(file)
})

function isOfNode(specifier: string): boolean {
  return specifier.startsWith("node:") || builtinModules.includes(specifier)
}

/** Every file of our packages that `start` loads, with its imports. */
function filesOf(start: string): Map<string, readonly string[]> {
  const files = new Map<string, readonly string[]>()
  const waiting = [start]
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (files.has(path)) continue
    const { imports } = readSource(path)
    files.set(path, imports)
    for (const to of imports) {
      if (to.startsWith(".")) waiting.push(resolve(dirname(path), to))
      else if (to.startsWith("@lf/")) waiting.push(fileOf(to))
    }
  }
  return files
}

/** The compiled file of an entry of ours. */
function fileOf(specifier: string): string {
  const [, name, ...rest] = specifier.split("/")
  const folder = join(root, "packages", name)
  const { exports } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as {
    exports: Record<string, { default: string }>
  }
  const path = resolve(folder, exports[[".", ...rest].join("/")].default)
  expect(existsSync(path), `${path} is compiled`).toBe(true)
  return path
}
