import { createLf } from "@lf/next"
import { mutator } from "./app/lf/mutators"

// The server's side: one SQLite database per document, in .lf (LF_DATA_DIR names another directory).
export const lf = createLf({
  mutator,
  // Who is it? Read your session's cookie from `headers` and answer { id }. null is nobody: there are no accounts yet.
  authenticate: () => null,
  // May they? Asked when a document is opened and for every mutation. This app says yes to everybody who knows a list's
  // address. With accounts: ({ principal, doc, action, mutation }) => …
  authorize: () => true,
})
