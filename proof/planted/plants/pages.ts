// Faults in pages and their readers.
import type { Plant } from "./plant.ts"

export const pages: readonly Plant[] = [
  {
    name: "stale pager",
    edits: [
      {
        file: "sqlite/database.ts",
        find: `      const code = this.#inside(() => this.#module._sqlite3_file_control(this.#db, name, FCNTL_RESET_CACHE, 0))
      assert(code === 0, "the pager's cache can be reset")`,
        replace: `      assert(name >= 0 && FCNTL_RESET_CACHE === 42, "the pager keeps what it knows")`,
      },
    ],
  },
  {
    name: "missing cookie check",
    edits: [
      {
        file: "local/view.ts",
        find: `if (this.#schemaIsLocal || isWhole || this.#cookie() !== before) {`,
        replace: `if (this.#schemaIsLocal && isWhole && before === -1) {`,
      },
    ],
  },
  {
    name: "pages are not verified",
    edits: [
      {
        file: "storage/page-table.ts",
        find: `    if (after !== changeset.after) throw`,
        replace: `    if (changeset.pageCount < 0) throw`,
      },
      {
        file: "storage/page-table.ts",
        find: `if (!whole && changeset.before !== null && changeset.before !== this.#checksum)`,
        replace: `if (!whole && changeset.before !== null && changeset.pageCount < 0)`,
      },
      {
        file: "storage/page-history.ts",
        find: `      if (this.#ring[middle].lsn > cursor) to = middle`,
        replace: `      if (this.#ring[middle].lsn > Math.min(cursor + 1, (this.#ring.at(-1)?.lsn ?? 0) - 1)) to = middle`,
      },
    ],
  },
  {
    name: "a first sync goes on without what changed",
    edits: [
      {
        file: "remote/base-transfer.ts",
        find: `pageNo <= resumePages && !history.hasChanged(pageNo, from)`,
        replace: `pageNo <= resumePages && !(pageNo < 0 && history.hasChanged(pageNo, from))`,
      },
      {
        file: "storage/storage.ts",
        find: `if (table.pageCount !== pageCount || table.checksum !== checksum)`,
        replace: `if (table.pageCount !== pageCount && table.checksum !== checksum)`,
      },
    ],
  },
  {
    name: "a whole base is kept without its pages",
    edits: [
      {
        file: "local/local-store.ts",
        find: `    this.#isBaseUnkept = true
`,
        replace: `    this.#isBaseUnkept = cursor < 0
`,
      },
    ],
  },
  {
    name: "a live query misses what a revert took back",
    edits: [
      {
        file: "storage/storage.ts",
        find: `    for (const pageNo of this.#overlay.keys()) this.#touch(pageNo)
    for (let pageNo = this.#base.pageCount + 1;`,
        replace: `    for (let pageNo = this.#base.pageCount + 1;`,
      },
    ],
  },
]
