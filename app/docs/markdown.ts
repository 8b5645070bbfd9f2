// Markdown to HTML, when the app is built: nothing of it runs in a browser.
import rehypeShikiFromHighlighter from "@shikijs/rehype/core"
import rehypeSlug from "rehype-slug"
import rehypeStringify from "rehype-stringify"
import remarkGfm from "remark-gfm"
import remarkParse from "remark-parse"
import remarkRehype from "remark-rehype"
import { createHighlighterCore, type HighlighterCore } from "shiki/core"
import { createJavaScriptRegexEngine } from "shiki/engine/javascript"
import { unified } from "unified"
import { addressOf } from "../../scripts/docs/pages.mjs"

export interface Heading {
  readonly id: string
  readonly text: string
  readonly level: 2 | 3
}

/** What a page is made of. */
export interface Rendered {
  readonly html: string
  readonly headings: readonly Heading[]
}

/** A part of the tree that the plugins below look at; the libraries' own types are a package of their own. */
interface Part {
  type: string
  tagName?: string
  value?: string
  properties?: Record<string, unknown>
  children?: Part[]
}

let highlighter: Promise<HighlighterCore> | undefined

/** @param file from the root of the repository: links are relative to it */
export async function renderMarkdown(text: string, file: string): Promise<Rendered> {
  highlighter ??= loadHighlighter()
  const headings: Heading[] = []
  const html = await unified()
    .use(remarkParse)
    .use(remarkGfm)
    .use(remarkRehype)
    .use(rehypeSlug)
    .use(() => (tree) => adapt(tree as Part, file, headings))
    .use(rehypeShikiFromHighlighter, await highlighter, {
      themes: { light: "github-light-high-contrast", dark: "github-dark-default" },
      defaultColor: false,
      fallbackLanguage: "text",
    })
    .use(rehypeStringify)
    .process(text)
  return { html: String(html), headings }
}

/** These languages alone: all of them would be compiled with the app. */
function loadHighlighter(): Promise<HighlighterCore> {
  return createHighlighterCore({
    engine: createJavaScriptRegexEngine(),
    themes: [import("@shikijs/themes/github-light-high-contrast"), import("@shikijs/themes/github-dark-default")],
    langs: [
      import("@shikijs/langs/tsx"),
      import("@shikijs/langs/typescript"),
      import("@shikijs/langs/javascript"),
      import("@shikijs/langs/json"),
      import("@shikijs/langs/shellscript"),
      import("@shikijs/langs/sql"),
      import("@shikijs/langs/docker"),
      import("@shikijs/langs/nginx"),
      import("@shikijs/langs/yaml"),
    ],
  })
}

/** Links lead to pages, wide tables scroll, and headings can be linked to. */
function adapt(part: Part, file: string, headings: Heading[]): void {
  part.children = part.children?.map((child) => {
    adapt(child, file, headings)
    if (child.tagName === "a") return linked(child, file)
    if (child.tagName === "img") return withSource(child, file)
    // On a phone it scrolls, as a table does, and the keyboard reaches what scrolls.
    if (child.tagName === "p" && child.children?.some(({ tagName }) => tagName === "img"))
      return { ...child, properties: { ...child.properties, tabIndex: 0 } }
    if (child.tagName === "table") return scrolling(child)
    // The corner of a table whose rows have headings: a heading without text is none.
    if (child.tagName === "th" && textOf(child) === "") return { ...child, tagName: "td" }
    if (child.tagName === "h2" || child.tagName === "h3") return anchored(child, headings)
    return child
  })
}

function linked(link: Part, file: string): Part {
  const href = String(link.properties?.href)
  if (/^\w+:/.test(href)) return link
  const address = addressOf(file, href)
  // A source file: its path is in the text or here, and there is no page of it.
  if (address === null) return { ...link, tagName: "span", properties: { title: href.replace(/^(\.\.\/)+/, "") } }
  return { ...link, properties: { ...link.properties, href: address } }
}

function withSource(image: Part, file: string): Part {
  const src = addressOf(file, String(image.properties?.src))
  return { ...image, properties: { ...image.properties, src, loading: "lazy" } }
}

function scrolling(table: Part): Part {
  return { type: "element", tagName: "div", properties: { className: ["table"], tabIndex: 0 }, children: [table] }
}

function anchored(heading: Part, headings: Heading[]): Part {
  const id = String(heading.properties?.id)
  headings.push({ id, text: textOf(heading), level: heading.tagName === "h2" ? 2 : 3 })
  const link: Part = {
    type: "element",
    tagName: "a",
    properties: { href: `#${id}`, className: ["anchor"], ariaLabel: "Link to this section" },
    children: [{ type: "text", value: "#" }],
  }
  return { ...heading, children: [...(heading.children ?? []), link] }
}

function textOf(part: Part): string {
  return part.value ?? (part.children ?? []).map(textOf).join("")
}
