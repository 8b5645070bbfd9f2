// The documentation as its readers get it: at /docs, in llms.txt, and in the packages.
import { execFileSync } from "node:child_process"
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
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

test.each(["core", "react", "next", "create-lf-app"])("the package %s carries what its README links to", (name) => {
  const folder = mkdtempSync(join(tmpdir(), "lf-stage-"))
  try {
    stagePackage(`packages/${name}`, folder)
    const packed = JSON.parse(
      execFileSync("npm", ["pack", "--dry-run", "--json", "--ignore-scripts"], { cwd: folder, encoding: "utf8" }),
    ) as [{ files: { path: string }[] }] // what npm prints
    const files = new Set(packed[0].files.map(({ path }) => path))
    const pages = [...files].filter((path) => path === "README.md" || /^docs\/.*\.md$/.test(path))
    const dead = pages.flatMap((page) =>
      linksOf(readFileSync(join(folder, page), "utf8"))
        .map((link) => join(dirname(page), link))
        .filter((path) => !files.has(path) || !existsSync(join(folder, path)))
        .map((path) => `${page}: ${path}`),
    )
    expect(dead).toEqual([])
    expect(pages.length).toBeGreaterThan(25)
    expect(files).toContain("llms.txt")
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})

function linksOf(text: string): string[] {
  const prose = text.replaceAll(/^```[\s\S]*?^```/gm, "")
  return Array.from(prose.matchAll(/\]\(([^)#\s]+)/g), ([, href]) => href).filter((href) => !href.includes(":"))
}
