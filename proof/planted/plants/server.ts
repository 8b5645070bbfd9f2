// Faults in the server.
import type { Plant } from "./plant.ts"

export const server: readonly Plant[] = [
  {
    name: "ack before flush",
    edits: [
      {
        file: "remote/remote.ts",
        find: `      const steppedMs = host.nowMs()`,
        replace: `      const steppedMs = host.nowMs()
      for (const answer of answers.splice(0)) answer()`,
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
    name: "broadcast before flush",
    edits: [
      {
        file: "remote/remote.ts",
        find: `      await this.#store.streams.flush()
      this.#flushed = this.#snapshot()
      this.#size`,
        replace: `      this.#flushed = this.#snapshot()
      this.announce()
      await this.#store.streams.flush()
      this.#size`,
      },
    ],
  },
  {
    name: "lost announcement without poll",
    edits: [
      {
        file: "remote/remote.ts",
        find: `      this.announce()
      await`,
        replace: `      if (decided.length > 0) this.announce()
      await`,
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
    name: "a database that lost commits is not noticed",
    edits: [
      {
        file: "local/reconciler.ts",
        find: `welcome.epoch !== this.#store.epoch || this.#isBehind(welcome)`,
        replace: `welcome.epoch !== this.#store.epoch`,
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
        find: `    writeApplied(this.db, clientId, { lsn: at, hash })`,
        replace: `    if (outcome.type === "applied")
      writeApplied(this.db, clientId, { lsn: at, hash })`,
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
    name: "a client id belongs to no user",
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
        file: "remote/crash-quarantine.ts",
        find: `    await this.#store.streams.flush()
`,
        replace: ``,
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
  {
    name: "an ended id takes more",
    edits: [
      {
        file: "remote/batch-merger.ts",
        find: `    this.#end(clientId, cut)
`,
        replace: "",
      },
    ],
  },
  {
    name: "takes what follows a refused one",
    edits: [
      {
        file: "remote/batch-merger.ts",
        find: `cuts.at(0)?.from ?? end)`,
        replace: `end)`,
      },
    ],
  },
  {
    name: "forgets a client that lacks outcomes",
    edits: [
      {
        file: "remote/gone-clients.ts",
        find: `journal.applied === last && seen >= last`,
        replace: `journal.applied === last`,
      },
    ],
  },
  {
    name: "an owner relays without asking whether it is the owner still",
    edits: [
      {
        file: "relay/document-relay.ts",
        find: `        await this.#options.confirm()
        if (!this.#isOver) this.#connect(message)`,
        replace: `        if (!this.#isOver) this.#connect(message)`,
      },
    ],
  },
  {
    name: "a relay drops what another server refused",
    edits: [
      {
        file: "relay/document-relay.ts",
        find: `        served.request(message, refused)
        return
      }`,
        replace: `        served.request(message, [])
        return
      }`,
      },
    ],
  },
  {
    name: "a relay serves the clients of a server that is gone",
    edits: [
      {
        file: "relay/document-relay.ts",
        find: `    for (const { served } of this.#seats.values()) served.leave()
    this.#seats.clear()`,
        replace: ``,
      },
    ],
  },
  {
    name: "clients are kept when their document's owner is gone",
    edits: [
      {
        file: "relay/relayed-document.ts",
        find: `      pipe.send(refusal)
      pipe.close(code)`,
        replace: ``,
      },
    ],
  },
  {
    name: "another server answers for the owner",
    edits: [
      {
        file: "relay/relayed-document.ts",
        find: `      this.#send({ type: "request", client, author: isSame ? undefined : author, refused, frame })`,
        replace: `      if (message.type === "sync-mutations")
        pipe.send(encodeMessage({ type: "cursor", lsn: (message.batch.from + message.batch.entries.length) as Lsn }))
      else this.#send({ type: "request", client, author: isSame ? undefined : author, refused, frame })`,
      },
    ],
  },
  {
    name: "a server's mutation that is sent again runs again",
    edits: [
      {
        file: "remote/server-mutations.ts",
        find: `    const known = uid === undefined ? undefined : this.#outcomes.find(uid)`,
        replace: `    const known: Outcome | undefined = undefined`,
      },
    ],
  },
]
