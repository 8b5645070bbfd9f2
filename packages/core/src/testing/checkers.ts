import { ByteReader } from "../base/bytes.ts"
import { readPlain } from "../base/plain.ts"
import type { LogRecord } from "../journal/log.ts"
import type { Local } from "../local/local.ts"
import type { Remote } from "../remote/remote.ts"
import type { Binding } from "../remote/remote-store.ts"
import { Database } from "../sqlite/database.ts"
import { Storage } from "../storage/storage.ts"
import { auditQuery, dumpQueries, type Fate, isMade, isRefusalOf, type SimArgs } from "./sim-app.ts"
import type { DiskWatcher, SimDisk } from "./sim-log.ts"
import type { SqlitePool } from "./sqlite-pool.ts"

interface Made {
  readonly name: string
  readonly args: SimArgs
  readonly fate: Fate
  readonly docId: string
  readonly author: "client" | "server"
  isResolved: boolean
  /** The outcome that its author got, in any process. */
  reported: Reported | null
}

/** An outcome as its author gets it; data beside a rejection's code are part of it. */
interface Reported {
  readonly type: "applied" | "rejected"
  readonly code?: string
  readonly data?: unknown
}

/** The parts of a client that are checked. */
export interface CheckedClient {
  readonly name: string
  readonly docId: string
  readonly local: Local | null
  readonly resolved: ReadonlyMap<string, Fate>
  readonly dismissals: ReadonlySet<string>
  readonly dismissed: ReadonlySet<string>
}

/** What a client showed at the last check. */
interface Seen {
  readonly epoch: string
  readonly cursor: number
  readonly checksum: bigint
  readonly restores: number
}

/** Holds every machine of a run to the laws (LAWS.md), from outside: from disks' records, pages and views. */
export class Checkers implements DiskWatcher {
  violation: string | null = null
  /** Applied and rejected effects, for the run's summary. */
  appliedCount = 0
  readonly #pool: SqlitePool
  /** T: durable hashes by client id and position; clones may have several. */
  readonly #timelines = new Map<string, Set<bigint>>()
  /** J: the hash at each position of the server's copies, by document and client id. */
  readonly #copies = new Map<string, Map<number, bigint>>()
  /**
   * The server's pages by document, epoch and position, with the restores before they were last there: what each reader there must
   * have. A restore may bring others at the same place.
   */
  readonly #states = new Map<string, Map<string, number>>()
  /** How far each stream of the server is durable, by document. */
  readonly #kept = new Map<string, number>()
  /** The user that each client id is durably bound to, by document. */
  readonly #owners = new Map<string, string>()
  readonly #hostile = new Set<string>()
  /** Pending at two devices when one was made from the other. */
  readonly #shared = new Set<string>()
  #restores = 0
  /** A client id was ended by a refused mutation, and the document was opened anew since. */
  #hasEnded = false
  #hasForgottenEnds = false
  /** How often a server ended without saying so. */
  #kills = 0
  /** Mutations that killed nothing and were quarantined all the same, by document. */
  readonly #unlucky = new Map<string, Set<string>>()
  readonly #served = new Map<string, string>()
  readonly #seen = new Map<CheckedClient, Seen>()
  readonly #applied = new Map<string, number>()
  readonly #made = new Map<string, Made>()
  readonly #rejected = new Set<string>()
  /** Decided between a backup and its restore: that decision is gone, which breaks no law (T2). */
  readonly #exempt = new Set<string>()
  /** What was decided when a restore began, until the server shows what is left of it. */
  readonly #lost = new Map<string, ReadonlySet<string>>()

  constructor(pool: SqlitePool) {
    this.#pool = pool
  }

  fail(law: string, what: string): void {
    this.violation ??= `${law}: ${what}`
  }

  made(uid: string, made: Pick<Made, "name" | "args" | "fate" | "docId" | "author">): void {
    this.#made.set(uid, { ...made, isResolved: false, reported: null })
  }

  resolved(uid: string): void {
    const made = this.#made.get(uid)
    if (made !== undefined) made.isResolved = true
  }

  decided(uid: string, outcome: Reported): void {
    const made = this.#made.get(uid)
    if (outcome.type === "rejected") this.#rejected.add(uid)
    if (made === undefined) return
    const { reported } = made
    if (reported !== null && reported.type !== outcome.type)
      this.fail("I10", `${uid} is reported as ${reported.type}, then ${outcome.type}`)
    this.#judgeRejection(uid, made, outcome)
    if (outcome.code === "MUTATION_QUARANTINED" && made.name !== "Kills") this.#judgeQuarantine(uid, made.docId)
    made.reported = outcome
  }

  /** It was begun in three lives of the server, in the last two alone: two kills make one such mutation at the most (T12). */
  #judgeQuarantine(uid: string, docId: string): void {
    const unlucky = (this.#unlucky.get(docId) ?? new Set()).add(uid)
    this.#unlucky.set(docId, unlucky)
    if (unlucky.size > this.#kills / 2)
      this.fail("T12", `${unlucky.size} mutations that kill nothing are quarantined after ${this.#kills} kills`)
  }

  serverKilled(): void {
    this.#kills++
  }

  /** Code and data are what the mutator or the server said, in the call's outcome and in the list of rejections alike (I10). */
  #judgeRejection(
    uid: string,
    { name, args, author, reported }: Made,
    { type, code = "", data = null }: Reported,
  ): void {
    if (type !== "rejected") return
    // A `Reject`'s data goes to one device: of two that had the mutation pending, to the first that reports having it.
    const carried = this.#shared.has(uid) && data === null ? undefined : data
    if (!isRefusalOf(name, args, code, carried))
      this.fail("I10", `${uid}, a ${name} of the ${author}, is rejected with ${code} and ${JSON.stringify(data)}`)
    if (reported?.type === "rejected" && reported.code !== code)
      this.fail("I10", `${uid} is rejected as ${reported.code}, then ${code}`)
  }

  /** Two devices have these pending now, and may part with them and be put back apart: decision 8 says what is known. */
  shared(uids: Iterable<string>): void {
    for (const uid of uids) this.#shared.add(uid)
  }

  /** A client id was ended by a refused mutation: the server remembers it as long as the document is open. */
  ended(): void {
    this.#hasEnded = true
  }

  /** How often a mutation may be in the document. Decisions 8 and 19 say what is known of copied profiles. */
  runsMax(uid: string): number {
    return (this.#restores > 0 || this.#hasForgottenEnds) && this.#shared.has(uid) ? 2 : 1
  }

  /** The client id of a hostile client: nothing is promised to it. */
  hostile(clientId: string): void {
    this.#hostile.add(clientId)
  }

  opened(disk: SimDisk, docId: string, records: readonly LogRecord[]): void {
    if (disk.options.name.startsWith("server")) {
      for (const kept of [this.#kept, this.#owners]) {
        for (const key of kept.keys()) if (key.startsWith(`${docId}/`)) kept.delete(key)
      }
    }
    this.durable(disk, docId, records)
  }

  /** The server confirms to a client that it has its timeline up to `position` (I3). */
  acknowledged(docId: string, clientId: string, position: number): void {
    const kept = this.#kept.get(`${docId}/client/${clientId}`) ?? 0
    if (position > kept) this.fail("I3", `${position} of ${clientId} is acknowledged, ${kept} is durable`)
  }

  /** The server hands out pages of the document as it is at `position` (I4). */
  sent(docId: string, position: number): void {
    const kept = this.#kept.get(`${docId}/storage`) ?? 0
    if (position > kept) this.fail("I4", `pages at ${position} of ${docId} leave, ${kept} is durable`)
  }

  /** The server accepts a client that shows the secret of `clientId` and authenticates as `user` (I18, S4). */
  accepted(docId: string, clientId: string, user: string): void {
    const owner = this.#owners.get(`${docId}/${clientId}`) ?? ""
    if (owner !== "" && owner !== user) this.fail("I18", `${user} is let in as ${clientId}, which is ${owner}'s`)
  }

  issued(disk: SimDisk, records: readonly LogRecord[]): void {
    if (!disk.options.name.startsWith("server")) return
    for (const { stream, lsn, type, hash } of records) {
      if (type !== "entry" || !stream.startsWith("client/") || stream === "client/server") continue
      const clientId = stream.slice("client/".length)
      if (this.#hostile.has(clientId)) continue
      if (!this.#timelines.get(`${clientId}/${lsn}`)?.has(hash)) {
        this.fail("I1", `the server's copy of ${clientId} has an entry ${lsn} that no device kept`)
      }
    }
  }

  durable(disk: SimDisk, docId: string, records: readonly LogRecord[]): void {
    if (disk.options.name.startsWith("server")) {
      this.#keep(docId, records)
      return
    }
    for (const { stream, lsn, type, hash } of records) {
      if (type !== "entry" || !stream.startsWith("timeline/")) continue
      const key = `${stream.slice("timeline/".length)}/${lsn}`
      const hashes = this.#timelines.get(key) ?? new Set()
      this.#timelines.set(key, hashes.add(hash))
    }
  }

  /** A new process: what it shows first may be older than what the last one showed and had not kept yet. */
  clientStarted(client: CheckedClient): void {
    this.#seen.delete(client)
    this.client(client)
  }

  serverStarted(docId: string, remote: Remote): void {
    this.#hasForgottenEnds ||= this.#hasEnded
    const decided = this.#lost.get(docId)
    if (decided !== undefined) {
      const kept = new Set(remote.query(auditQuery).map(({ uid }) => uid))
      // What was rejected after the backup runs once more, and may be applied this time.
      for (const uid of decided) if (!kept.has(uid) || this.#rejected.has(uid)) this.#exempt.add(uid)
      this.#lost.delete(docId)
    }
    this.server(docId, remote)
  }

  /** What the server could show a reader now: noted, and equal to what it showed at the same position (I4). */
  server(docId: string, remote: Remote): void {
    const key = `${docId}/${remote.epoch}/${remote.lsn()}`
    if (this.#served.get(docId) === key) return
    this.#served.set(docId, key)
    const state = `${remote.checksum}/${remote.pages.length}`
    const known = this.#states.get(key) ?? new Map<string, number>()
    for (const [other, restores] of known) {
      if (other !== state && restores === this.#restores) this.fail("I4", `the server forgot what it showed at ${key}`)
    }
    this.#states.set(key, known.set(state, this.#restores))
  }

  /** Checks a client that showed something new (I5, I7, I8). */
  client(client: CheckedClient): void {
    const { local, name, docId } = client
    if (local === null || local.failure !== null) return
    const { epoch, cursor } = local
    const { checksum, pageCount } = local.base
    const seen = this.#seen.get(client)
    if (seen?.epoch === epoch && seen.cursor === cursor && seen.checksum === checksum) return
    this.#seen.set(client, { epoch, cursor, checksum, restores: this.#restores })
    if (seen?.epoch === epoch && seen.restores === this.#restores && cursor > 0 && cursor < seen.cursor) {
      this.fail("I8", `${name} goes back from ${seen.cursor} to ${cursor}`)
    }
    const states = this.#states.get(`${docId}/${epoch}/${cursor}`)
    if (cursor > 0 && states?.has(`${checksum}/${pageCount}`) !== true) {
      const others = [...(states?.keys() ?? ["nothing"])].join(" or ")
      this.fail("I5", `${name} has ${checksum}/${pageCount} at ${cursor}, the server had ${others}`)
    }
    this.#readYourWrites(client)
  }

  /** The server's disk will be replaced by an older copy: what is decided now and not there is exempt. */
  restoring(docId: string, remote: Remote): void {
    const decided = new Set(remote.query(auditQuery).map(({ uid }) => uid))
    for (const uid of this.#rejected) if (this.#made.get(uid)?.docId === docId) decided.add(uid)
    this.#lost.set(docId, decided)
    this.#restores++
    for (const key of this.#copies.keys()) if (key.startsWith(`${docId}/`)) this.#copies.delete(key)
    for (const key of this.#applied.keys()) if (key.startsWith(`${docId}/`)) this.#applied.delete(key)
  }

  /** Checks one document when everything is at rest (I2, I9, I16). */
  atRest(docId: string, remote: Remote, clients: readonly CheckedClient[]): void {
    const shown = new Set(clients.flatMap(({ local }) => local?.rejections ?? []).map(({ uid }) => uid))
    for (const client of clients) this.#collectRejections(client)
    for (const uid of this.#rejected) {
      const made = this.#made.get(uid)
      if (made?.docId !== docId || made.author === "server" || this.#exempt.has(uid) || shown.has(uid)) continue
      if (clients.some(({ dismissals }) => dismissals.has(uid))) continue
      this.fail("I10", `the rejection of ${uid} was reported and is forgotten, though it was not dismissed`)
    }
    const audit = new Map(remote.query(auditQuery).map(({ uid, n }) => [uid, n]))
    for (const [uid, n] of audit) {
      if (!isMade(uid)) continue
      if (!this.#made.has(uid)) this.fail("I9", `${uid} was applied and never made`)
      if (n > this.runsMax(uid)) this.fail("I9", `${uid} was applied ${n} times`)
    }
    for (const [uid, made] of this.#made) if (made.docId === docId) this.#onceOnly(uid, made, audit.has(uid))
    this.appliedCount += audit.size
    const wanted = dump(remote)
    for (const client of clients) {
      const { local } = client
      if (local !== null && dump(local) !== wanted) this.fail("I19", `${client.name} does not show what the server has`)
    }
    this.pages(docId, remote)
  }

  /** Checks the server's own pages (I2, I16). */
  pages(docId: string, remote: Remote): void {
    const module = this.#pool.take()
    const db = new Database(module, new Storage(remote.pages))
    const [{ integrity_check: verdict }] = db.exec("pragma integrity_check")
    if (verdict !== "ok") this.fail("I16", `the server's pages: ${verdict}`)
    if (db.exec("pragma foreign_key_check").length > 0) this.fail("I16", "a foreign key does not hold")
    for (const { client_id, lsn, hash } of db.exec("select client_id, lsn, hash from __lf_mutations")) {
      if (client_id === "server") continue
      const key = `${docId}/${client_id}`
      const issued = this.#copies.get(key)?.get(Number(lsn))
      const before = this.#applied.get(key) ?? 0
      this.#applied.set(key, Number(lsn))
      if (Number(lsn) < before) this.fail("I2", `${client_id} was applied to ${before}, now to ${lsn}`)
      if (issued !== undefined && issued !== BigInt.asUintN(64, BigInt(hash as bigint | number))) {
        this.fail("I2", `entry ${lsn} of ${client_id} is not the one that was received`)
      }
    }
    db.close()
    this.#pool.give(module)
  }

  #readYourWrites(client: CheckedClient): void {
    const { local } = client
    if (local === null) return
    this.#collectRejections(client)
    const audit = new Set(local.query(auditQuery).map(({ uid }) => uid))
    for (const [uid, fate] of client.resolved) {
      if (fate !== "always" || audit.has(uid) || this.#rejected.has(uid) || this.#exempt.has(uid)) continue
      this.fail("I7", `${client.name} does not see ${uid}, which it was promised`)
    }
  }

  #onceOnly(uid: string, { fate, isResolved, reported }: Made, isApplied: boolean): void {
    const isRejected = this.#rejected.has(uid)
    if (this.#exempt.has(uid)) return
    if (fate === "never" && isApplied) this.fail("I10", `${uid} was to be rejected and left an effect`)
    if (isApplied && isRejected) this.fail("I9", `${uid} was applied and rejected`)
    if (reported?.type === "applied" && !isApplied) this.fail("I3", `${uid} was reported as applied and is not there`)
    if (isResolved && !isApplied && !isRejected) this.fail("I9", `${uid} (${fate}) was promised and is lost`)
  }

  #collectRejections({ local, name, dismissed }: CheckedClient): void {
    for (const { uid, code, data } of local?.rejections ?? []) {
      this.#rejected.add(uid)
      const made = this.#made.get(uid)
      if (made !== undefined) this.#judgeRejection(uid, made, { type: "rejected", code, data })
      if (dismissed.has(uid)) this.fail("I10", `${name} reports ${uid} again, which was dismissed`)
    }
  }

  #copy(key: string, lsn: number, hash: bigint): void {
    const copy = this.#copies.get(key) ?? new Map<number, bigint>()
    this.#copies.set(key, copy.set(lsn, hash))
  }

  #keep(docId: string, records: readonly LogRecord[]): void {
    for (const { stream, lsn, type, payload, hash } of records) {
      const key = `${docId}/${stream}`
      // A client that is forgotten: its id belongs to no user any more.
      if (type === "anchor" && lsn === 0 && stream.startsWith("client/")) {
        this.#owners.delete(`${docId}/${stream.slice(7)}`)
        this.#kept.delete(key)
        continue
      }
      this.#kept.set(key, Math.max(lsn, this.#kept.get(key) ?? 0))
      // What a deposed owner issues is refused, and is no copy of anything.
      if (type === "entry" && stream.startsWith("client/")) this.#copy(`${docId}/${stream.slice(7)}`, lsn, hash)
      if (stream !== "bindings" || type !== "entry") continue
      const { clientId, user } = readPlain(new ByteReader(payload)) as Binding // the server's own bytes
      if (user !== null) this.#owners.set(`${docId}/${clientId}`, user)
    }
  }
}

/** All that a reader of the document can see. */
export function dump(side: { query: Remote["query"] }): string {
  return dumpQueries
    .map((query) =>
      side
        .query(query)
        .map(({ row }) => row)
        .join("\n"),
    )
    .join("\n--\n")
}
