// The code of the documentation, as files that the compiler can check.
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { root } from "../source-file.ts"

export interface CodeFile {
  /** Below the folder of its page. */
  readonly path: string
  readonly text: string
}

/** Every Markdown file whose ts and tsx blocks must compile, from the root of the repository. */
export function pagesWithCode(): string[] {
  const packages = readdirSync(join(root, "packages")).map((name) => `packages/${name}/README.md`)
  const pages = ["docs", "docs/reference"].flatMap((folder) =>
    readdirSync(join(root, folder))
      .filter((name) => name.endsWith(".md"))
      .map((name) => `${folder}/${name}`),
  )
  return ["README.md", ...packages, ...pages]
}

/**
 * The files of a page. A block whose first line names one (`// app/lf/mutators.ts`) is that file, or more of it; every other
 * block is a module of its own. A comment of the page (`<!-- with … -->`) is put before the block that follows it: what a
 * fragment uses and the page does not show.
 */
export function codeFilesOf(page: string): CodeFile[] {
  const files = new Map<string, string>()
  let before = ""
  const parts = readFileSync(join(root, page), "utf8").matchAll(/^<!-- with\n([\s\S]*?)-->|^```tsx?\n([\s\S]*?)^```/gm)
  let count = 0
  for (const [, hidden, code] of parts) {
    if (hidden !== undefined) {
      before = hidden
      continue
    }
    count++
    const named = /^\/\/ ([\w./[\]-]+\.tsx?)\b/.exec(code)?.[1]
    const path = named ?? `block-${count}.tsx`
    files.set(path, `${files.get(path) ?? ""}${before}${asModule(code)}`)
    before = ""
  }
  return Array.from(files, ([path, text]) => ({ path, text: `${text}\nexport {}\n` }))
}

/** A fragment that returns is the body of a component. */
function asModule(code: string): string {
  if (!/^return /m.test(code)) return code
  const lines = code.split("\n")
  const imports = lines.filter((line) => line.startsWith("import "))
  const body = lines.filter((line) => !line.startsWith("import "))
  return `${imports.join("\n")}\nexport function Fragment() {\n${body.join("\n")}\n}\n`
}
