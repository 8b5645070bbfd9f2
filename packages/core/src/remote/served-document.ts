import type { LfError } from "../base/error.ts"
import type { Lsn } from "../base/lsn.ts"
import type { Query } from "../sqlite/sql.ts"
import type { Author } from "../timeline/author.ts"
import type { Outcome } from "../timeline/outcome.ts"
import type { ConnectableDocument } from "./admission.ts"
import type { OnChanged, RowsAt } from "./reads.ts"

/** A document as a server uses it: `Remote` where the server owns it, `RelayedDocument` where another one does. */
export interface ServedDocument extends ConnectableDocument {
  /** Mutations that were received here and are not decided yet. */
  readonly waitingCount: number
  /** The position of what is durable. @throws DOC_STOPPED */
  position(): Promise<Lsn>
  /** The durable rows, and the position that they are of. @throws SQL_ERROR SQL_DENIED SQL_LIMIT DOC_STOPPED */
  readAt<R>(query: Query<R>, onChanged?: OnChanged): Promise<RowsAt<R>>
  /**
   * Runs a mutation of this process. Resolves when its outcome is durable. Called again with the same `uid`, a uuid, also at another
   * server, it has run once and has one outcome (T28).
   * @throws MUTATION_UNKNOWN MUTATION_ARGS_INVALID MUTATION_TOO_LARGE DOC_STOPPED
   */
  mutate(name: string, args: unknown, author: Author, uid?: string): Promise<Outcome>
  /** Disconnects all clients, with `code`, and gives the document up. */
  close(code?: LfError["code"]): Promise<void>
}
