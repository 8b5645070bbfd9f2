import type { Metadata } from "next"
import { notFound } from "next/navigation"
import { type Page, readPages, readText } from "../../../scripts/docs/pages.mjs"
import { type Heading, renderMarkdown } from "../markdown"
import { Sidebar } from "../sidebar"

interface Props {
  readonly params: Promise<{ slug?: string[] }>
}

// All pages are made with the app; another address is the app's not-found, and is not kept.
export const dynamicParams = false

export function generateStaticParams() {
  return readPages().map(({ slug }) => ({ slug: slug === "" ? [] : slug.split("/") }))
}

export async function generateMetadata({ params }: Props): Promise<Metadata> {
  const { title, summary } = await pageOf(params)
  return { title: `${title} · lf`, description: summary || undefined }
}

export default async function DocsPage({ params }: Props) {
  const page = await pageOf(params)
  const { html, headings } = await renderMarkdown(readText(page.file), page.file)
  return (
    <>
      <Sidebar current={page.slug} />
      <main className="docs-main" id="content" tabIndex={-1}>
        {/* biome-ignore lint/security/noDangerouslySetInnerHtml: made of this repository's own Markdown, without raw HTML */}
        <article className="docs-article" dangerouslySetInnerHTML={{ __html: html }} />
        {page.slug === "decisions" && <Decisions />}
        <Neighbours page={page} />
      </main>
      <Contents headings={headings} />
    </>
  )
}

async function pageOf(params: Props["params"]): Promise<Page> {
  const { slug = [] } = await params
  return readPages().find((page) => page.slug === slug.join("/")) ?? notFound()
}

function Decisions() {
  return (
    <ol className="docs-decisions">
      {readPages()
        .filter(({ slug }) => slug.startsWith("decisions/"))
        .map(({ slug, title }) => (
          <li key={slug}>
            <a href={`/docs/${slug}`}>{title}</a>
          </li>
        ))}
    </ol>
  )
}

function Neighbours({ page }: { page: Page }) {
  const pages = readPages().filter(({ section, slug }) => section !== "" || slug === "")
  const at = pages.indexOf(page)
  if (at === -1) return null
  const [before, after] = [pages[at - 1], pages[at + 1]]
  return (
    <nav className="docs-neighbours" aria-label="Previous and next page">
      {before && (
        <a rel="prev" href={before.slug === "" ? "/docs" : `/docs/${before.slug}`}>
          <span className="docs-label">Previous</span>
          {before.title}
        </a>
      )}
      {after && (
        <a rel="next" href={`/docs/${after.slug}`}>
          <span className="docs-label">Next</span>
          {after.title}
        </a>
      )}
    </nav>
  )
}

function Contents({ headings }: { headings: readonly Heading[] }) {
  if (headings.length < 2) return null
  return (
    <nav className="docs-contents" aria-label="On this page">
      <p>On this page</p>
      <ul>
        {headings.map(({ id, text, level }) => (
          <li key={id} data-level={level}>
            <a href={`#${id}`}>{text}</a>
          </li>
        ))}
      </ul>
    </nav>
  )
}
