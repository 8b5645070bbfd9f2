// The pages of the documentation: docs/README.md is the list of them, in order, and the rest that they link to.
import { readdirSync, readFileSync } from "node:fs"
import { join, posix } from "node:path"

/** Next bundles this file, so its own address says nothing. Everything that reads docs runs in the repository's root. */
const root = process.cwd()
const indexFile = "docs/README.md"
const decisions = "docs/decisions"

const summaryOfDocs =
  "Local-first React on Next.js: every document a SQLite database in the browser, with a server that decides"

/** @type {readonly import("./pages.d.mts").Page[] | undefined} */
let known

/** Every page once: those of the list first, then the decisions. */
export function readPages() {
  known ??= [indexPage(), ...listedPages(), ...decisionPages()]
  return known
}

/** @param {string} file from the root of the repository */
export function readText(file) {
  return readFileSync(join(/* turbopackIgnore: true */ root, file), "utf8")
}

/** @param {string} file */
export function slugOf(file) {
  if (file === indexFile) return ""
  const path = file.startsWith("docs/") ? file.slice("docs/".length) : posix.basename(file).toLowerCase()
  return path.replace(/(\/README)?\.md$/, "")
}

/**
 * The address of what a page links to, and null for a file that has no page.
 * @param {string} file of the page
 * @param {string} href relative, as Markdown has it
 */
export function addressOf(file, href) {
  const [path, hash] = href.split("#")
  const fragment = hash === undefined ? "" : `#${hash}`
  if (path === "") return fragment
  const target = posix.join(posix.dirname(file), path)
  if (/^docs\/media\/[\w.-]+$/.test(target)) return `/docs/media/${posix.basename(target)}`
  const page = readPages().find((one) => one.file === target)
  if (page === undefined) return null
  return `${page.slug === "" ? "/docs" : `/docs/${page.slug}`}${fragment}`
}

function indexPage() {
  return { slug: "", file: indexFile, title: "Overview", section: "", summary: summaryOfDocs }
}

/** What is in a comment of the list, as `[Title] (file.md)`, counts as soon as its file is there. */
function listedPages() {
  let section = ""
  const pages = []
  for (const line of readText(indexFile)
    .replaceAll(/<!-- ?| ?-->/g, "")
    .split("\n")) {
    const heading = /^## (.+)$/.exec(line)
    if (heading) section = heading[1]
    const item = /^- \[(.+?)\] ?\((.+?\.md)\)(?:: (.+))?/.exec(line)
    if (item === null) continue
    const file = posix.join("docs", item[2])
    if (isThere(file)) pages.push({ slug: slugOf(file), file, title: item[1], section, summary: item[3] ?? "" })
  }
  return pages
}

function decisionPages() {
  const names = readdirSync(join(/* turbopackIgnore: true */ root, decisions)).filter((name) => /^\d/.test(name))
  return names.sort().map((name) => {
    const file = `${decisions}/${name}`
    return { slug: slugOf(file), file, title: /^# (.+)$/m.exec(readText(file))?.[1] ?? name, section: "", summary: "" }
  })
}

/** @param {string} file */
function isThere(file) {
  try {
    readText(file)
    return true
  } catch {
    return false
  }
}
