/** A place in a file below packages/core/src, and what stands there instead. */
export interface Edit {
  readonly file: string
  readonly find: string
  readonly replace: string
}

/**
 * A deliberate fault, in a bundle that only this proof makes: nothing of it is in what we ship. A plant whose text is not
 * found exactly once fails, because the code has moved on.
 */
export interface Plant {
  readonly name: string
  readonly edits: readonly Edit[]
}

/** The first ones are the sample that CI runs: one of each kind. */
export const plants: readonly Plant[] = [
  {
    name: "ack before flush",
    edits: [
      {
        file: "remote/remote.ts",
        find: `      await this.#store.streams.flush()
      this.#flushed = this.#snapshot()
      for (const answer of answers) answer()`,
        replace: `      for (const answer of answers) answer()
      await this.#store.streams.flush()
      this.#flushed = this.#snapshot()`,
      },
    ],
  },
  {
    name: "broadcast before flush",
    edits: [
      {
        file: "remote/remote.ts",
        find: `      await this.#store.streams.flush()
      this.#flushed = this.#snapshot()
      for`,
        replace: `      this.#flushed = this.#snapshot()
      this.announce()
      await this.#store.streams.flush()
      for`,
      },
    ],
  },
  {
    name: "drop timeline on ack",
    edits: [
      {
        file: "local/local.ts",
        find: `      this.#serverCursor = end
`,
        replace: `      this.#serverCursor = end
      this.#timeline.drop(end)
`,
      },
    ],
  },
  {
    name: "accept a gap",
    edits: [
      {
        file: "journal/chain.ts",
        find: `    if (batch.from > last) return { type: "gap", expected: last }`,
        replace: `    if (batch.from > last) {
      for (const bytes of batch.entries) this.append(ownBytes(bytes))
      return { type: "written", lsn: lsnAfter(batch.from, batch.entries.length) }
    }`,
      },
    ],
  },
  {
    name: "no hash check",
    edits: [
      {
        file: "timeline/timeline.ts",
        find: `    return this.#journal.write(batch)`,
        replace: `    const skip = Math.max(0, this.lsn() - batch.from)
    const from = lsn(batch.from + Math.min(skip, batch.entries.length))
    if (from > this.lsn()) return { type: "gap", expected: this.lsn() }
    const previousHash = this.hashAt(from) ?? 0n
    return this.#journal.write({ from, previousHash, entries: batch.entries.slice(skip) })`,
      },
    ],
  },
  {
    name: "checkpoint before journal",
    edits: [
      {
        file: "journal/streams.ts",
        find: `    this.#pending = []
    this.#bytesSinceRollup = 0
`,
        replace: `    const late = this.#pending
    const kept = live.filter((one) => !late.some(({ stream, lsn }) => stream === one.stream && lsn === one.lsn))
    live.splice(0, live.length, ...kept)
    this.#bytesSinceRollup = 0
`,
      },
    ],
  },
  {
    name: "rollup one too far",
    edits: [
      {
        file: "timeline/timeline.ts",
        find: `    if (position > this.#journal.start()) this.#journal.rollup(position)`,
        replace: `    if (position > this.#journal.start()) this.#journal.rollup(lsn(Math.min(position + 1, this.lsn())))`,
      },
    ],
  },
  {
    name: "no dedupe",
    edits: [
      {
        file: "timeline/timeline.ts",
        find: `    return this.#journal.write(batch)`,
        replace: `    const from = this.#journal.lsn()
    return this.#journal.write({ from, previousHash: this.#journal.hashAt(from) ?? 0n, entries: batch.entries })`,
      },
    ],
  },
  {
    name: "poison blocks",
    edits: [
      {
        file: "timeline/apply-group.ts",
        find: `    if (isFatal(error)) throw error
`,
        replace: `    if (isFatal(error) || side === "remote") throw error
`,
      },
    ],
  },
  {
    name: "stale pager",
    edits: [
      {
        file: "sqlite/database.ts",
        find: `    const code = this.#module._sqlite3_file_control(this.#db, 0, FCNTL_RESET_CACHE, 0)
    assert(code === 0, "the pager's cache can be reset")`,
        replace: `    assert(FCNTL_RESET_CACHE === 42, "the pager keeps what it knows")`,
      },
    ],
  },
  {
    name: "missing cookie check",
    edits: [
      {
        file: "local/view.ts",
        find: `if (this.#schemaIsLocal || isWhole || this.#cookie() !== before) this.db.reopen()`,
        replace: `if (this.#schemaIsLocal && isWhole && before === -1) this.db.reopen()`,
      },
    ],
  },
  {
    name: "lost announcement without poll",
    edits: [
      {
        file: "remote/remote.ts",
        find: `      this.announce()
      if`,
        replace: `      if (decided.length > 0) this.announce()
      if`,
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
    name: "torn record accepted",
    edits: [
      {
        file: "journal/record.ts",
        find: `    if (header === undefined || !isBodyWhole(bytes, header)) {`,
        replace: `    if (header === undefined) {`,
      },
      {
        file: "journal/record.ts",
        find: `    readBody(bytes.subarray(header.bodyAt, header.endAt), header.count, records)
    lastGroupAt = at`,
        replace: `    try {
      readBody(bytes.subarray(header.bodyAt, header.endAt), header.count, records)
    } catch {}
    lastGroupAt = at`,
      },
      {
        file: "journal/record.ts",
        find: `    at = header.endAt
`,
        replace: `    at = Math.min(header.endAt, bytes.length)
`,
      },
    ],
  },
  {
    name: "no epoch",
    edits: [
      {
        file: "remote/restore.ts",
        find: `  epochsOf(streams).append({ epoch: newEpoch(host) })`,
        replace: `  if (host.nowMs() < 0) epochsOf(streams).append({ epoch: newEpoch(host) })`,
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
    name: "receive queue in memory",
    edits: [
      {
        file: "remote/remote-store.ts",
        find: `import { Streams } from "../journal/streams.ts"
`,
        replace: `import { openMemoryLog } from "../journal/memory-log.ts"
import { Streams } from "../journal/streams.ts"
`,
      },
      {
        file: "remote/remote-store.ts",
        find: `    this.arrivals = this.streams.journal(`,
        replace: `    this.arrivals = new Streams(openMemoryLog()).journal(`,
      },
    ],
  },
  {
    name: "applied without its row",
    edits: [
      {
        file: "remote/step-runner.ts",
        find: `    this.db.exec("replace into __lf_mutations values (?, ?, ?)", clientId, at, BigInt.asIntN(64, hash))`,
        replace: `    if (outcome.type === "applied")
      this.db.exec("replace into __lf_mutations values (?, ?, ?)", clientId, at, BigInt.asIntN(64, hash))`,
      },
    ],
  },
  {
    name: "confirmed past what is applied",
    edits: [
      {
        file: "timeline/timeline.ts",
        find: `    const to = lsn(Math.min(confirmed, this.applied))`,
        replace: `    const to = confirmed >= 0 ? this.lsn() : lsn(0)`,
      },
    ],
  },
  {
    name: "a failed fsync is ignored",
    edits: [
      {
        file: "journal/streams.ts",
        find: `        this.#failure = error
        for (const waiting of this.#jobs.splice(0)) waiting.settle(error)
        break`,
        replace: `        job.settle(null)
        this.#jobs.shift()
        continue`,
      },
    ],
  },
  {
    name: "deferred foreign keys are not asked",
    edits: [
      {
        file: "timeline/apply-group.ts",
        find: `if (db.inTransaction && db.hasDeferredViolations)`,
        replace: `if (db.inTransaction && db.hasDeferredViolations && side === "local")`,
      },
    ],
  },
  {
    name: "a vanished transaction goes unnoticed",
    edits: [
      {
        file: "timeline/apply-group.ts",
        find: `      if (!db.inTransaction) {
`,
        replace: `      if (!db.inTransaction && group.side === "local") {
`,
      },
    ],
  },
  {
    name: "no heartbeat",
    edits: [
      {
        file: "local/session.ts",
        find: `if (link.heard === heard) link`,
        replace: `if (link.heard === -2) link`,
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
        find: `      if (step.lsn <= cursor) continue`,
        replace: `      if (step.lsn <= cursor + 1 && step.lsn < (this.#ring.at(-1)?.lsn ?? 0)) continue`,
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
        find: `  #note(entry: RejectionEntry): void {
    this.#rejections.append(entry)
`,
        replace: `  #note(entry: RejectionEntry): void {
`,
      },
    ],
  },
  {
    name: "a call repeated by its uid runs again",
    edits: [
      {
        file: "local/local.ts",
        find: `if (this.#recovered.has(uid) || this.#receipts.find(uid) !== undefined) return this.follow(uid)`,
        replace: `if (this.#receipts.find(uid) !== undefined) return this.follow(uid)`,
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
    name: "a deposed owner goes on writing",
    edits: [
      {
        file: "journal/memory-log.ts",
        find: `    doc.owner?.end(new LfError("LOG_DEPOSED", \`\${docId} has another owner\`))
`,
        replace: ``,
      },
    ],
  },
  {
    name: "a flipped bit goes unnoticed",
    edits: [
      {
        file: "journal/record.ts",
        find: `  return hash64(bytes.subarray(header.bodyAt, header.endAt)) === header.bodyHash`,
        replace: `  return true`,
      },
    ],
  },
  {
    name: "a client id belongs to nobody",
    edits: [
      {
        file: "remote/client-list.ts",
        find: `    return owner === null || owner === user`,
        replace: `    return owner !== ""`,
      },
    ],
  },
  {
    name: "a killer is tried for ever",
    edits: [
      {
        file: "remote/attempts.ts",
        find: `    await this.#store.streams.flush()
`,
        replace: ``,
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
    name: "a hostile entry stops the document",
    edits: [
      {
        file: "remote/step-runner.ts",
        find: `    } catch (error) {
      return { mutation`,
        replace: `    } catch (error) {
      if (error instanceof Error) throw error
      return { mutation`,
      },
    ],
  },
]
