import type { Metadata } from "next"
import { RegisterServiceWorker } from "./chrome/register-service-worker"
import { SharePicture } from "./chrome/share-picture"
import { renderMarkdown } from "./docs/markdown"
import { HomeHeader } from "./home/home-header"
import { Panes } from "./home/panes"
import "./home/home.css"

export const metadata: Metadata = {
  title: "lf: local-first React on Next.js",
  description: "A SQLite database in every browser, kept in step by your Next.js server.",
}

/** It is what the two panes above it run: app/home/pane.tsx has the same query. */
const sample = `\`\`\`tsx
export const AddTodo = defineMutation("AddTodo", z.object({ id, title }), (tx, { id, title }) => {
  tx.run(sql\`insert into todos (id, title, created_at) values (\${id}, \${title}, \${tx.nowMs})\`)
})

function Todos() {
  const todos = useQuery(sql<Todo>\`select * from todos order by created_at desc, id limit 4\`)
  const add = useMutation(AddTodo)
  const addTodo = (title: string) => add.mutate({ id: newId(), title })
  return <List todos={todos.data} onAdd={addTodo} />
}
\`\`\``

const links = [
  ["/list", "Todo list"],
  ["/sql", "100,000 rows"],
  ["/docs", "Docs"],
] as const

/** What lf is, in one sentence, and two clients that show that it is true. */
export default async function Home() {
  const { html } = await renderMarkdown(sample, "app/page.tsx")
  return (
    <div className="home">
      <SharePicture />
      <a className="skip" href="#try">
        Skip to the demo
      </a>
      <HomeHeader isFirstPage links={links} />
      <main>
        <h1>A SQLite database in every browser, kept in step by your Next.js server.</h1>
        <p className="home-lead">
          Components read it with SQL. Mutations are TypeScript functions: they run here at once, online or not, and
          again on the server, which has the last word.
        </p>
        <Panes />
        {/* biome-ignore lint/security/noDangerouslySetInnerHtml: made from the text above when the app is built */}
        <div className="home-code" dangerouslySetInnerHTML={{ __html: html }} />
        <section className="home-next" aria-label="Where to go from here">
          <p>
            <code>npm create lf-app@latest</code>
          </p>
          <ul>
            <li>
              <a href="/list">Open the todo list</a> close the server, reload, write on
            </li>
            <li>
              <a href="/sql">Query 100,000 rows</a> what each query reads, and why it runs again
            </li>
            <li>
              <a href="/docs/tracker">Read an issue tracker</a> 5,000 issues, board, search, comments, on a train too
            </li>
            <li>
              <a href="/docs/getting-started">Start an app</a> two synced browsers in two minutes
            </li>
            <li>
              <a href="/docs/concepts">How it works</a> pages, mutations, rebase, in one drawing
            </li>
            <li>
              <a href="/docs/comparison">Compared with others</a> what they do better, too
            </li>
          </ul>
        </section>
      </main>
      <RegisterServiceWorker />
    </div>
  )
}
