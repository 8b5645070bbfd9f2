// The documentation as its readers get it: at /docs, in llms.txt, and in the packages.
import { execFileSync } from "node:child_process"
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { expect, test } from "vitest"
import { renderMarkdown } from "../app/docs/markdown.ts"
import { llmsFullText, llmsText, manualPages } from "./docs/llms.mjs"
import { readPages, readText } from "./docs/pages.mjs"
import { root } from "./source-file.ts"

/** By a name that the compiler does not see, so that it wants no types for it. */
const load = async <T>(path: string) => (await import(path as string)) as T // what that file exports
const { stagePackage } = await load<{ stagePackage(name: string, folder: string): void }>("./docs/stage.mjs")

test("every link of a page to another page leads to a page and to a heading of it", async () => {
  const pages = await Promise.all(
    readPages().map(async ({ slug, file }) => {
      // Highlighting says nothing about links.
      const text = readText(file).replaceAll(/^```[\s\S]*?^```/gm, "")
      const { html } = await renderMarkdown(text, file)
      return { address: slug === "" ? "/docs" : `/docs/${slug}`, html }
    }),
  )
  const media = readdirSync(join(root, "docs/media")).map((name) => `/docs/media/${name}`)
  const known = new Set([
    ...media,
    ...pages.flatMap(({ address, html }) => [
      address,
      ...Array.from(html.matchAll(/<h[1-4] id="([^"]+)"/g), ([, id]) => `${address}#${id}`),
    ]),
  ])
  const dead = pages.flatMap(({ address, html }) =>
    Array.from(html.matchAll(/(?:href|src)="([^"]*)"/g), ([, href]) => href)
      .map((href) => (href.startsWith("#") ? `${address}${href}` : href))
      .filter((href) => !/^\w+:/.test(href) && !known.has(href))
      .map((href) => `${address}: ${href}`),
  )
  expect(pages.length).toBeGreaterThan(60)
  expect(dead).toEqual([])
})

test("every page of docs/ is in the list of docs/README.md", () => {
  const listed = new Set(readPages().map(({ file }) => file))
  const files = ["docs", "docs/reference"].flatMap((folder) =>
    readdirSync(join(root, folder)).map((name) => `${folder}/${name}`),
  )
  expect(files.filter((file) => file.endsWith(".md") && !listed.has(file))).toEqual([])
})

test("llms.txt lists the pages of the manual, and llms-full.txt has their text", () => {
  const list = llmsText((slug) => `/docs/${slug}`)
  const full = llmsFullText()
  for (const { slug, title, file } of manualPages()) {
    expect(list).toContain(`[${title}](/docs/${slug})`)
    expect(full).toContain(/^# .+$/m.exec(readText(file))?.[0])
  }
  expect(full).not.toContain("<!-- with")
})

const names = ["core", "react", "next", "postgres", "create-lf-app"]

test("each package carries what its README and its manual link to", () => {
  const stages = mkdtempSync(join(tmpdir(), "lf-stages-"))
  try {
    const folders = names.map((name) => join(stages, name))
    for (const [i, name] of names.entries()) stagePackage(`packages/${name}`, folders[i])
    const options = ["pack", "--dry-run", "--json", "--ignore-scripts"]
    const packed = JSON.parse(execFileSync("npm", [...options, ...folders], { encoding: "utf8" }))
    for (const [i, { files }] of (packed as Packed[]).entries()) {
      const paths = new Set(files.map(({ path }) => path))
      expect(deadLinks(folders[i], paths)).toEqual([])
      expect(paths).toContain("llms.txt")
      expect(paths).toContain("docs/reference/react.md")
    }
    expect(packed).toHaveLength(names.length)
  } finally {
    rmSync(stages, { recursive: true, force: true })
  }
})

/** What `npm pack --json` prints of a package. */
interface Packed {
  readonly files: readonly { readonly path: string }[]
}

function deadLinks(folder: string, packed: ReadonlySet<string>): string[] {
  const pages = [...packed].filter((path) => path === "README.md" || /^docs\/.*\.md$/.test(path))
  return pages.flatMap((page) =>
    linksOf(readFileSync(join(folder, page), "utf8"))
      .map((link) => join(dirname(page), link))
      .filter((path) => !packed.has(path))
      .map((path) => `${page}: ${path}`),
  )
}

function linksOf(text: string): string[] {
  const prose = text.replaceAll(/^```[\s\S]*?^```/gm, "")
  return Array.from(prose.matchAll(/\]\(([^)#\s]+)/g), ([, href]) => href).filter((href) => !href.includes(":"))
}
