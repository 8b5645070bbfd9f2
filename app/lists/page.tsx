import type { Metadata } from "next"
import { NoScript } from "../chrome/no-script"
import { RegisterServiceWorker } from "../chrome/register-service-worker"
import { SharePicture } from "../chrome/share-picture"
import { ListIndex } from "./list-index"

export const metadata: Metadata = { title: "My lists" }

export default function ListsPage() {
  return (
    <>
      <SharePicture />
      <NoScript />
      <div className="page">
        <header>
          <nav className="toolbar" aria-label="Pages">
            <a className="toolbar-link" href="/list">
              <span aria-hidden="true">‹</span> Back to my list
            </a>
            <span className="toolbar-space" />
            <a className="toolbar-link" href="/docs">
              How it works
            </a>
          </nav>
        </header>
        <main>
          <h1 className="page-title">My lists</h1>
          <ListIndex />
          <p className="info">
            This index is kept on this device, with what a list had when it was last open here. Anyone with its link can
            open it.
          </p>
        </main>
        <RegisterServiceWorker />
      </div>
    </>
  )
}
