// Faults in the client.
import type { Plant } from "./plant.ts"

export const client: readonly Plant[] = [
  {
    name: "drop timeline on ack",
    edits: [
      {
        file: "local/reconciler.ts",
        find: `    const { next, fork } = this.#push.take(reply, batch, this.#timeline)
`,
        replace: `    const { next, fork } = this.#push.take(reply, batch, this.#timeline)
    if (reply.type === "cursor") this.#timeline.drop(reply.lsn)
`,
      },
    ],
  },
  {
    name: "resolved before it is durable",
    edits: [
      {
        file: "local/local.ts",
        find: `    const receipt = this.#receipts.open(uid, this.#flush())`,
        replace: `    void this.#flush().catch(() => {})
    const receipt = this.#receipts.open(uid, Promise.resolve())`,
      },
    ],
  },
  {
    name: "rollup one too far",
    edits: [
      {
        file: "timeline/timeline.ts",
        find: `    this.#journal.rollup(position)
`,
        replace: `    this.#journal.rollup(lsn(Math.min(position + 1, this.lsn())))
`,
      },
    ],
  },
  {
    name: "a new id on the old connection",
    edits: [
      {
        file: "local/session.ts",
        find: `      if (!bytesEqual(secret, local.secret)) link.close("this client has a new id")
`,
        replace: `      if (bytesEqual(secret, new Uint8Array(0))) link.close("this client has a new id")
`,
      },
    ],
  },
  {
    name: "confirmed past what is applied",
    edits: [
      {
        file: "timeline/timeline.ts",
        find: `    const to = lsn(Math.min(needed, this.applied))`,
        replace: `    const to = needed >= 0 ? this.lsn() : lsn(0)`,
      },
    ],
  },
  {
    name: "no heartbeat",
    edits: [
      {
        file: "local/session.ts",
        find: `if (link.receivedCount === received) link`,
        replace: `if (link.receivedCount === -2) link`,
      },
    ],
  },
  {
    name: "clones are not noticed",
    edits: [
      {
        file: "local/rebase-plan.ts",
        find: `  return timeline.start === timeline.lsn ? { type: "fork", common: timeline.lsn } : { type: "probe" }`,
        replace: `  return { type: "agreed", cursor: server.lsn < timeline.lsn ? server.lsn : timeline.lsn }`,
      },
    ],
  },
  {
    name: "pending run before the revert",
    edits: [
      {
        file: "local/view.ts",
        find: `    this.#storage.revert()
    const { isWhole } = swap()`,
        replace: `    const { isWhole } = swap()
    this.#storage.revert()`,
      },
    ],
  },
  {
    name: "rejections only in memory",
    edits: [
      {
        file: "local/local-store.ts",
        find: `  #note(entry: RejectionChange): void {
    this.#rejections.append(entry)
`,
        replace: `  #note(entry: RejectionChange): void {
`,
      },
    ],
  },
  {
    name: "a call repeated by its uid runs again",
    edits: [
      {
        file: "local/local.ts",
        find: `if (this.isKnown(uid)) return this.follow(uid)`,
        replace: `if (this.#receipts.find(uid) !== undefined) return this.follow(uid)`,
      },
    ],
  },
  {
    name: "a dismissal only in memory",
    edits: [
      {
        file: "local/local-store.ts",
        find: `    if (this.#open.has(uid)) this.#note({ type: "dismissed", uid })`,
        replace: `    this.#open.delete(uid)`,
      },
    ],
  },
  {
    name: "recovery forgets what was settled",
    edits: [
      {
        file: "local/local-store.ts",
        find: `if (this.storage.basePageCount === 0 || this.#settled.lsn() === LSN_ZERO) return LSN_ZERO`,
        replace: `if (this.storage.basePageCount >= 0) return LSN_ZERO`,
      },
    ],
  },
  {
    name: "a refused one is sent again under the new id",
    edits: [
      {
        file: "local/push-state.ts",
        find: `      if (code === undefined) rest.push(mutation)
      else`,
        replace: `      rest.push(mutation)
      if (code !== undefined)`,
      },
    ],
  },
  {
    name: "up to date by what ended with its connection",
    edits: [
      {
        file: "local/session.ts",
        find: `      if (!link.isOpen) return await link.closed
      this.#become`,
        replace: `      this.#become`,
      },
    ],
  },
]
