// A package as it is published: its own files, and the manual that its README links to. In a folder of its own, so that
// nothing in the repository is written and two runs do not meet.
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { root } from "../run.mjs"
import { llmsText, manualPages, packedText } from "./llms.mjs"

const manual = ["docs", "llms.txt"]

/**
 * Puts a package into `folder`, ready for `npm pack`.
 * @param {string} name as in "packages/core"
 * @param {string} folder
 */
export function stagePackage(name, folder) {
  const from = join(root, name)
  for (const entry of readdirSync(from)) {
    if (entry === "node_modules" || entry.endsWith(".tsbuildinfo")) continue
    cpSync(join(from, entry), join(folder, entry), { recursive: true })
  }
  const manifest = JSON.parse(readFileSync(join(from, "package.json"), "utf8"))
  write(folder, "package.json", `${JSON.stringify({ ...manifest, files: [...manifest.files, ...manual] }, null, 2)}\n`)
  write(folder, "README.md", `${packedText(`${name}/README.md`, "")}\n`)
  for (const { file, slug } of manualPages()) {
    const target = `docs/${slug}.md`
    write(folder, target, `${packedText(file, dirname(target))}\n`)
  }
  copyPictures(folder)
  write(
    folder,
    "llms.txt",
    llmsText((slug) => `docs/${slug}.md`),
  )
}

/** The pictures of the manual's pages alone. */
function copyPictures(folder) {
  for (const { file, slug } of manualPages()) {
    for (const [, name] of readFileSync(join(root, file), "utf8").matchAll(/\]\((media\/[\w.-]+)\)/g)) {
      const target = join(folder, dirname(`docs/${slug}.md`), name)
      mkdirSync(dirname(target), { recursive: true })
      if (existsSync(join(root, "docs", name))) cpSync(join(root, "docs", name), target)
    }
  }
}

function write(folder, path, text) {
  mkdirSync(dirname(join(folder, path)), { recursive: true })
  writeFileSync(join(folder, path), text)
}
