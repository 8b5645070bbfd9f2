import type { Author } from "../timeline/author.ts"
import type { MayWrite } from "./refused-ranges.ts"

/** What a client may do. */
export interface Rights {
  /** The authenticated user; null: anonymous. */
  readonly user: string | null
  /** What is known of the user now: mutators get it. Undefined: the id alone. */
  readonly author?: Author
  /** Whether the user may write a mutation of this name now; called for every batch. Undefined: always. */
  readonly mayWrite?: MayWrite
}
