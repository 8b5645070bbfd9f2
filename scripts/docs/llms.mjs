// The documentation for programs that read it as text: https://llmstxt.org describes the form.
import { posix } from "node:path"
import { readPages, readText, slugOf } from "./pages.mjs"

const INTRODUCTION = `# lf

> Local-first React on Next.js: each document is a whole SQLite database in the browser, changed by named TypeScript
> mutations that run at once, online or not, and synced with a server that has the last word.

Mutators import from \`@lf/core\`, components from \`@lf/react\`, the server from \`@lf/next\`. Mutations are synchronous and
have no effect but through \`tx\`; migrations are append-only.
`

/** Sections whose pages are about lf itself, not about the use of it. */
const inside = "Inside"

/** The pages of the manual: what an app's author reads. */
export function manualPages() {
  return readPages().filter(({ section }) => section !== "" && section !== inside)
}

/**
 * The list of pages, each with its address.
 * @param {(slug: string) => string} urlOf
 */
export function llmsText(urlOf) {
  const lines = [INTRODUCTION]
  let last = ""
  for (const { slug, title, section, summary } of manualPages()) {
    if (section !== last) lines.push(`${last === "" ? "" : "\n"}## ${section}\n`)
    last = section
    lines.push(`- [${title}](${urlOf(slug)})${summary === "" ? "" : `: ${summary}`}`)
  }
  return `${lines.join("\n")}\n`
}

/** All of the manual in one text. */
export function llmsFullText() {
  return `${[INTRODUCTION, ...manualPages().map(({ file }) => textOf(file))].join("\n\n---\n\n")}\n`
}

/** Without the comments that the code's test reads. */
function textOf(file) {
  return readText(file)
    .replaceAll(/^<!--[\s\S]*?-->\n*/gm, "")
    .trim()
}

/**
 * A page, or a README, as it stands in a package: links to pages that are beside it, the rest without a link.
 * @param {string} file
 * @param {string} from its folder in the package, "" or "docs/…"
 */
export function packedText(file, from) {
  const known = new Set(manualPages().map((page) => page.file))
  return textOf(file).replaceAll(/\[([^\]]*)\]\(([^)\s]+)\)/g, (link, text, href) => {
    if (/^(\w+:|#)/.test(href)) return link
    const [path, hash] = href.split("#")
    const target = posix.join(posix.dirname(file), path)
    if (!known.has(target)) return text
    const name = posix.relative(from, `docs/${slugOf(target)}.md`)
    return `[${text}](${name}${hash === undefined ? "" : `#${hash}`})`
  })
}
