import { createLf } from "@lf/next"
import { postgresStore } from "@lf/postgres"
import { mutator } from "./app/lf/mutators"

// The server: one SQLite database per document, in .lf (or in the directory that LF_DATA_DIR names), or in the PostgreSQL of
// LF_DATABASE_URL (or in several, with spaces between them).
const databases = process.env.LF_DATABASE_URL?.match(/\S+/g)

export const lf = createLf({
  mutator,
  store: databases ? postgresStore({ shards: databases }) : undefined,
  // The user: read your session's cookie from `headers` and return { id }. null is anonymous: there are no accounts.
  authenticate: () => null,
  // Called when a document is opened and for every mutation. This app allows every user who knows a document's
  // address. With accounts: ({ principal, doc, action, mutation }) => …
  authorize: () => true,
})
