import { createLf, type Lf } from "@lf/next"
import { postgresStore } from "@lf/postgres"
import { mutator } from "./app/lf/mutators"
import { isAllowed } from "./app/lf/rights"
import { type User, userOf } from "./auth.server"

// The server: one SQLite database per document, in .lf (or in the directory that LF_DATA_DIR names), or in the PostgreSQL of
// LF_DATABASE_URL (or in several, with spaces between them).
const databases = process.env.LF_DATABASE_URL?.match(/\S+/g)

export const lf: Lf<User> = createLf<User>({
  mutator,
  store: databases ? postgresStore({ shards: databases }) : undefined,
  authenticate: ({ headers }) => userOf(headers),
  // Called when a document is opened and for every mutation.
  authorize: (request) => isAllowed(request, (doc) => lf.document(doc, { as: "system" })),
})
