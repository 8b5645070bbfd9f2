import { join } from "node:path"
import { isLfError, sql } from "@lf/core"
import { createLf } from "@lf/next"
import { postgresStore } from "@lf/postgres"
import { mutator } from "./app/lf/mutators"
import { FillRows, rowCount, rowsId, rowsMutator } from "./app/sql/lf/mutators"

const dataDir = process.env.LF_DATA_DIR || ".lf"

/**
 * Where documents of one kind are: files of this server or, with LF_DATABASE_URL, rows of a PostgreSQL that servers share, or of
 * several with spaces between them.
 */
function placeOf(kind: "main" | "rows") {
  const databases = process.env.LF_DATABASE_URL?.match(/\S+/g)
  if (databases) return { store: postgresStore({ shards: databases, namespace: kind }) }
  return { dataDir: kind === "main" ? dataDir : join(/* turbopackIgnore: true */ dataDir, kind) }
}

// The demo has no accounts: a list is open to whoever has its link, and the link is 128 random bits.
export const lf = createLf({
  mutator,
  ...placeOf("main"),
  authenticate: () => null,
  authorize: () => true,
})

/**
 * The document of /sql, with tables of its own: the lists carry nothing of it. All browsers share the one, since each has 100,000
 * rows: the server keeps them once, however many come. They may edit rows, and neither add any nor open another document.
 */
export const rowsLf = createLf({
  mutator: rowsMutator,
  ...placeOf("rows"),
  path: "/api/rows",
  authenticate: () => null,
  authorize: ({ doc, mutation }) => doc === rowsId && mutation !== FillRows.name,
  limits: { mutationsPerSecond: 50, documentPagesMax: 8_192 },
})

/** Rows of one mutation: less than 100 ms of the server's time, and a step of the progress that the page shows. */
const PART = 2_500
let filling: Promise<void> | undefined

/** Fills the document of /sql, once: the first request of the page begins, and what an earlier process left is finished. */
export function fillRows(): Promise<void> {
  filling ??= fill().catch((error) => {
    // The next request tries again.
    filling = undefined
    throw error
  })
  return filling
}

async function fill(): Promise<void> {
  const document = rowsLf.document(rowsId, { as: "system" })
  let made = 0
  try {
    made = (await document.query(sql<{ made: number }>`select count(*) as made from tasks`))[0]?.made ?? 0
  } catch (error) {
    if (!isLfError(error) || error.code !== "DOC_NOT_FOUND") throw error
  }
  for (; made < rowCount; made += PART) {
    const outcome = await document.mutate(FillRows, { from: made + 1, to: made + PART })
    if (outcome.type === "rejected") throw new Error(`the rows could not be made: ${outcome.code}`)
  }
}
