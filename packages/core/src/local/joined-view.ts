import { LfError } from "../base/error.ts"
import type { Host } from "../base/host.ts"
import { Database } from "../sqlite/database.ts"
import type { SqliteModule } from "../sqlite/module.ts"
import { quotedName, quotedText } from "../sqlite/quoted.ts"
import { FILE_PAGES_MAX, type OtherDatabase, type PageStore } from "../sqlite/vfs.ts"
import { LiveQueries } from "./live-queries.ts"
import type { PagesWatcher } from "./view.ts"

/** Documents that one query may read: as many as SQLite attaches. */
export const JOINED_DOCS_MAX = 10

/** The name of the user's own document in SQL. */
const OWN = "own"

/** A document as a joined view needs it. */
interface Joinable {
  readonly pages: PageStore
  watchPages(watcher: PagesWatcher): () => void
}

interface JoinedDocument {
  readonly doc: string
  readonly local: Joinable
}

export interface JoinedViewOptions {
  readonly module: SqliteModule
  readonly host: Host
  readonly documents: readonly JoinedDocument[]
  /** The user's own document: it is `own` in SQL, and its rows are not among those of the others. */
  readonly own?: JoinedDocument | undefined
  /** Keys of queries that crashed SQLite: they are not run again (T43). */
  readonly crashed?: Set<string>
  /** Called when SQLite crashed: the view must not be used any more. */
  readonly onCrash: (error: LfError) => void
}

/**
 * What queries over several documents read: each document's view, attached in one connection that writes none of them. A
 * table that all have is also there under its plain name: the rows of all of them, each with its document's id in `_doc`.
 */
export class JoinedView {
  readonly queries: LiveQueries
  readonly #db: Database
  readonly #undos: (() => void)[] = []

  constructor({ module, host, documents, own, crashed, onCrash }: JoinedViewOptions) {
    const docs = documents.map(({ doc }) => doc)
    const all = own === undefined ? documents : [...documents, own]
    const names = [...schemaNames(docs), OWN]
    const others = all.map(({ local }, i) => ({ file: `doc${i + 1}`, name: names[i], pages: readOnly(local.pages) }))
    this.#db = new Database(module, readOnly(NO_PAGES), { others, setUp: (db) => attach(db, others, docs) })
    this.#db.setClock(() => host.nowMs())
    this.queries = new LiveQueries({ db: this.#db, host, onCrash, ...(crashed === undefined ? {} : { crashed }) })
    all.forEach(({ local }, i) => {
      this.#undos.push(
        local.watchPages(({ changed, isSchemaNew }) => {
          if (this.#db.crash !== null) return
          if (isSchemaNew) {
            this.#db.reopen()
            this.queries.renew()
          } else this.queries.notify(new Set(Array.from(changed, (pageNo) => (i + 1) * FILE_PAGES_MAX + pageNo)))
        }),
      )
    })
  }

  close(): void {
    for (const undo of this.#undos.splice(0)) undo()
    this.queries.close(new LfError("LOG_CLOSED", "the query's documents were closed on this device"))
    this.#db.close()
  }
}

/**
 * The name that each document has in SQL: its id; where that is taken, as by `main` or by an id that differs in case alone,
 * `d` and its place in the list.
 */
export function schemaNames(docs: readonly string[]): string[] {
  const taken = new Set(["main", "temp", OWN])
  return docs.map((doc, i) => {
    const name = taken.has(doc.toLowerCase()) ? `d${i + 1}` : doc
    taken.add(name.toLowerCase())
    return name
  })
}

/** Attaches the documents, and gathers the tables of one name that all of them have. */
function attach(db: Database, others: readonly OtherDatabase[], docs: readonly string[]): void {
  for (const { file, name } of others) db.exec(`attach ${quotedText(file)} as ${quotedName(name)}`)
  const counts = new Map<string, number>()
  const listed = others.slice(0, docs.length)
  for (const { name } of listed) {
    for (const table of tablesOf(db, name)) counts.set(table, (counts.get(table) ?? 0) + 1)
  }
  for (const [table, count] of counts) {
    if (count < listed.length) continue
    const parts = listed.map(
      ({ name }, i) => `select ${quotedText(docs[i])} as _doc, * from ${quotedName(name)}.${quotedName(table)}`,
    )
    db.exec(`create temp view ${quotedName(table)} as ${parts.join(" union all ")}`)
  }
}

/** The app's tables and views of a schema, by name; virtual ones can be asked under their document's name only. */
function tablesOf(db: Database, schema: string): string[] {
  const rows = db.exec("select name from pragma_table_list where schema = ? and type in ('table', 'view')", schema)
  return rows.map(({ name }) => String(name)).filter((name) => !/^(sqlite_|__lf_)/i.test(name))
}

const NO_PAGES: PageStore = {
  pageCount: () => 0,
  page: () => undefined,
  newPage: refuse,
  write: refuse,
  truncate: refuse,
}

/** Nothing is ever written through a joined view; SQLite would be refused if it tried. */
function readOnly(pages: PageStore): PageStore {
  return {
    pageCount: () => pages.pageCount(),
    page: (pageNo) => pages.page(pageNo),
    newPage: refuse,
    write: refuse,
    truncate: refuse,
  }
}

function refuse(): never {
  throw new LfError("SQL_DENIED", "expected a query that reads several documents, got one that writes")
}
