import { readPages } from "../../scripts/docs/pages.mjs"

/** On a narrow screen it is folded, and is opened without a script. */
export function Sidebar({ current }: { current: string }) {
  return (
    <>
      <details className="docs-menu">
        <summary>Pages</summary>
        <PageList current={current} label="Pages, folded" />
      </details>
      <div className="docs-sidebar">
        <PageList current={current} label="Pages" />
      </div>
    </>
  )
}

function PageList({ current, label }: { current: string; label: string }) {
  const listed = readPages().filter(({ section }) => section !== "")
  const sections = [...new Set(listed.map(({ section }) => section))]
  return (
    <nav aria-label={label}>
      {sections.map((section) => (
        <div key={section} className="docs-section">
          <p>{section}</p>
          <ul>
            {listed
              .filter((page) => page.section === section)
              .map(({ slug, title }) => (
                <li key={slug}>
                  <a href={`/docs/${slug}`} aria-current={slug === current ? "page" : undefined}>
                    {title}
                  </a>
                </li>
              ))}
          </ul>
        </div>
      ))}
    </nav>
  )
}
