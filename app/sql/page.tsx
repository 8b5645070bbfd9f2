import type { Metadata } from "next"
import { after, connection } from "next/server"
import { fillRows } from "../../lf.server"
import { NoScript } from "../chrome/no-script"
import { RegisterServiceWorker } from "../chrome/register-service-worker"
import { requestOrigin } from "../chrome/request-origin"
import { SharePicture } from "../chrome/share-picture"
import { HomeHeader } from "../home/home-header"
import "../home/home.css"
import { RowsPage } from "./rows-page"
import "./sql.css"

export const metadata: Metadata = {
  title: "100,000 rows: lf",
  description: "SQL over a large document in the browser, and why each query runs again.",
}

const links = [
  ["/list", "Todo list"],
  ["/docs/queries", "Docs"],
] as const

/** A SQL box over a large document, which the server makes for the first request. */
export default async function Page({ searchParams }: { searchParams: Promise<object> }) {
  await connection()
  // A service worker's request for its stand-in is no visit. Behind the answer: the page shows how far it is. What fails is in the
  // log, and the next request tries again.
  if (!("offline" in (await searchParams))) after(() => fillRows().catch(() => {}))
  return (
    <div className="home sql">
      <SharePicture origin={await requestOrigin()} />
      <a className="skip" href="#box">
        Skip to the query
      </a>
      <HomeHeader links={links} />
      <main>
        <h1>100,000 rows</h1>
        <p className="home-lead">
          A SQLite database in this browser. A query runs again if and only if a page that it read has changed: below is
          what it read, and why it ran.
        </p>
        <NoScript isPart />
        <RowsPage />
      </main>
      <RegisterServiceWorker />
    </div>
  )
}
