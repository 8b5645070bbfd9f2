// What the documentation shows compiles, against the packages as they are built.
import { spawnSync } from "node:child_process"
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { expect, test } from "vitest"
import { codeFilesOf, pagesWithCode } from "./docs/code-blocks.ts"
import { root } from "./source-file.ts"

// It reads what is compiled: `npm run check` compiles first, by hand it is `npm run build:packages`.
test("every ts and tsx block of the documentation compiles", () => {
  // Inside of the repository, where the packages are found.
  const folder = mkdtempSync(join(root, "node_modules/.docs-code-"))
  try {
    let blocks = 0
    for (const page of pagesWithCode()) {
      const into = page.replaceAll("/", "+").replace(/\.md$/, "")
      for (const { path, text } of codeFilesOf(page)) {
        blocks++
        mkdirSync(dirname(join(folder, into, path)), { recursive: true })
        writeFileSync(join(folder, into, path), text)
      }
    }
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(project))
    const { stdout } = spawnSync(process.execPath, [join(root, "node_modules/typescript/lib/tsc.js"), "-p", folder], {
      encoding: "utf8",
      cwd: folder,
    })
    expect(stdout).toBe("")
    expect(blocks).toBeGreaterThan(60)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}, 60_000)

const project = {
  extends: join(root, "tsconfig.json"),
  compilerOptions: {
    target: "ES2023",
    types: ["node"],
    typeRoots: [join(root, "node_modules/@types")],
    noUnusedLocals: false,
    noUnusedParameters: false,
    plugins: [],
  },
  include: [
    "**/*.ts",
    "**/*.tsx",
    join(root, "scripts/docs/prelude.d.ts"),
    join(root, "scripts/docs/storybook.d.ts"),
    join(root, "node_modules/next/types/global.d.ts"),
  ],
  exclude: ["node_modules"],
}
