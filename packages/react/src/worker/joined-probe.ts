import type { Sql } from "@lf/core"
import { FILE_PAGES_MAX, type JoinedView, type Local, liveQueryKey, type PageOwner } from "@lf/core/internal"
import type { ShownQuery } from "../rpc/devtools-protocol.ts"
import { ownersOf } from "./changed-sources.ts"
import { QueryLog } from "./query-log.ts"

/** The documents of a query over several, and their connection. */
export interface JoinedParts {
  readonly view: JoinedView
  readonly docs: readonly string[]
  readonly own: string | undefined
  /** In the order of `docs`, and the own one last. */
  readonly locals: readonly Local[]
}

/** What is collected of the queries over several documents while the panel is open. */
export class JoinedProbe {
  readonly #parts: JoinedParts
  readonly #log: QueryLog
  readonly #stop: () => void

  constructor(parts: JoinedParts) {
    this.#parts = parts
    this.#log = new QueryLog(parts.view.queries, (pages) => this.#owners(pages))
    this.#stop = parts.view.queries.watchRuns(this.#log)
  }

  stop(): void {
    this.#stop()
  }

  queries({ user, doc }: { readonly user: string | null; readonly doc: string }): ShownQuery[] {
    const { docs, own } = this.#parts
    return this.#log.shown((query: Sql<unknown>) => liveQueryKey(user, doc, query, { docs, own }), this.#names)
  }

  get #names(): readonly string[] {
    const { docs, own } = this.#parts
    return own === undefined ? docs : [...docs, "own"]
  }

  /** Pages of each document have numbers of their own range. */
  #owners(pages: ReadonlySet<number>): ReadonlyMap<number, PageOwner> {
    const found = new Map<number, PageOwner>()
    for (const [i, local] of this.#parts.locals.entries()) {
      const base = (i + 1) * FILE_PAGES_MAX
      const own = [...pages].filter((pageNo) => pageNo > base && pageNo < base + FILE_PAGES_MAX)
      for (const [pageNo, owner] of ownersOf(local, new Set(own.map((one) => one - base))))
        found.set(base + pageNo, { ...owner, table: `${this.#names[i]}.${owner.table}` })
    }
    return found
  }
}
