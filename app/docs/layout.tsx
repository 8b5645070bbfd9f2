import type { ReactNode } from "react"
import { SharePicture } from "../chrome/share-picture"
import "./docs.css"

/** Links are plain: each page is a file, and no script of the pages is needed to go from one to the next. */
export default function DocsLayout({ children }: { children: ReactNode }) {
  return (
    <div className="docs">
      <SharePicture />
      <a className="skip" href="#content">
        Skip to the text
      </a>
      <header className="docs-header">
        <a className="docs-name" href="/docs">
          lf
        </a>
        <span>Local-first React on Next.js</span>
        {/* The demo decides in a script which list it shows. */}
        <a className="docs-demo" href="/lists">
          Demo
        </a>
      </header>
      <div className="docs-columns">{children}</div>
    </div>
  )
}
