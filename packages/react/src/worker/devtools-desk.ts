import { LfError } from "@lf/core"
import {
  type Cancel,
  copyBug,
  type Difference,
  type Host,
  type JoinedView,
  type Local,
  PROTOCOL_VERSION,
  Rehearsals,
  toLfError,
} from "@lf/core/internal"
import { writeBugFile } from "../rpc/bug-file.ts"
import type {
  DevtoolsAnswers,
  DevtoolsQuestion,
  DevtoolsReply,
  ShownDetail,
  ShownDifference,
  ShownDocument,
  Snapshot,
} from "../rpc/devtools-protocol.ts"
import { DocumentProbe } from "./document-probe.ts"
import type { JoinedDocuments } from "./joined-documents.ts"
import { JoinedProbe } from "./joined-probe.ts"
import type { OpenDocument } from "./open-document.ts"
import { readSql, readTableRows, readTables } from "./shown-rows.ts"

/** A panel that asks nothing for so long is gone, or hidden: nothing is collected for it any more. */
export const LEASE_MS = 90_000
const DIFFERENCES_MAX = 50

/** A document as the worker has it. */
export interface ServedDocument {
  readonly key: string
  readonly doc: string
  readonly user: string | null
  readonly url: string
  readonly tabs: number
  readonly document: OpenDocument
  /** Its tabs' queries over several documents. */
  readonly joined: ReadonlyMap<string, JoinedDocuments>
}

/** What the worker has for the devtools: nothing else than this knows of them. */
export interface DevtoolsSource {
  readonly host: Host
  /** The names of the app's mutations. */
  readonly mutations: readonly string[]
  documents(): readonly ServedDocument[]
}

/** Answers the devtools' panels. Between its first question and LEASE_MS after the last one it collects. */
export class DevtoolsDesk {
  readonly #source: DevtoolsSource
  readonly #checksMutators: boolean
  readonly #probes = new Map<Local, DocumentProbe>()
  readonly #joinedProbes = new Map<JoinedView, JoinedProbe>()
  readonly #differences: (ShownDifference & { readonly key: string })[] = []
  #endLease: Cancel = () => {}

  constructor(source: DevtoolsSource, { checksMutators }: { readonly checksMutators: boolean }) {
    this.#source = source
    this.#checksMutators = checksMutators
  }

  /** Reports mutators of the document of this key whose two runs differ; undefined: none run twice. */
  rehearsals(key: string, report: (error: LfError) => void): Rehearsals | undefined {
    if (!this.#checksMutators) return undefined
    const nowMs = () => this.#source.host.monotonicMs()
    return new Rehearsals({
      nowMs,
      report: (difference) => {
        this.#note(key, difference)
        report(unrepeatable(difference))
      },
    })
  }

  #note(key: string, { mutation, first, second }: Difference): void {
    this.#differences.unshift({ key, mutation, first: first ?? "nothing", second: second ?? "nothing" })
    this.#differences.length = Math.min(this.#differences.length, DIFFERENCES_MAX)
  }

  /** Whether a panel is open. */
  get isWatched(): boolean {
    return this.#probes.size > 0
  }

  async answer(question: DevtoolsQuestion): Promise<DevtoolsReply> {
    try {
      return { type: "answer", value: await this.#answer(question) }
    } catch (error) {
      const { code, message } = toLfError(error, "WORKER_FAILED")
      return { type: "error", error: { code, message } }
    }
  }

  async #answer(question: DevtoolsQuestion): Promise<DevtoolsAnswers[DevtoolsQuestion["type"]]> {
    switch (question.type) {
      case "watch":
        return this.#watch(question.key)
      case "tables":
        return await readTables(this.#local(question.key), () => this.#source.host.monotonicMs())
      case "rows":
        return await readTableRows(this.#local(question.key), question.table, question.offset)
      case "sql":
        return await readSql(this.#local(question.key), question.sql)
      case "export":
        return await this.#export(question)
      default:
        this.#stop()
        return null
    }
  }

  #watch(key: string | null): Snapshot {
    this.#endLease()
    this.#endLease = this.#source.host.after(LEASE_MS, () => this.#stop())
    const documents = this.#source.documents()
    this.#probeAll(documents)
    const chosen = documents.find((one) => one.key === key)
    return { documents: documents.map(shownDocument), detail: chosen === undefined ? null : this.#detail(chosen) }
  }

  /** A document that was opened meanwhile is collected as well; one that was closed is let go. */
  #probeAll(documents: readonly ServedDocument[]): void {
    const open = new Map(documents.flatMap(({ document: { opened } }) => (opened === null ? [] : [[opened, opened]])))
    follow(this.#probes, open, (local) => new DocumentProbe(local))
    const joined = documents.flatMap((one) => Array.from(one.joined.values(), ({ parts }) => parts ?? []).flat())
    follow(this.#joinedProbes, new Map(joined.map((parts) => [parts.view, parts])), (parts) => new JoinedProbe(parts))
  }

  #stop(): void {
    this.#endLease()
    for (const probes of [this.#probes, this.#joinedProbes]) {
      for (const probe of probes.values()) probe.stop()
      probes.clear()
    }
  }

  #detail(served: ServedDocument): ShownDetail {
    const { document, url, key } = served
    const { meter } = document
    const probe = document.opened === null ? undefined : this.#probes.get(document.opened)
    const { error, isOnlineWanted } = document.state
    if (error !== null && error.code !== meter.errors[0]?.code)
      meter.note(new LfError(error.code as never, error.message)) // it is an ErrorCode
    const { tries, failures, framesIn, framesOut, bytesIn, bytesOut, connectedSince, transport, errors } = meter
    const joined = Array.from(served.joined.values(), ({ parts }) => parts && this.#joinedProbes.get(parts.view))
    return {
      queries: [probe, ...joined].flatMap((one) => one?.queries(served) ?? []),
      mutations: probe?.mutations() ?? [],
      connection: {
        url,
        isOnlineWanted,
        tries,
        failures,
        framesIn,
        framesOut,
        bytesIn,
        bytesOut,
        connectedSince,
        transport,
        errors: [...errors],
      },
      differences: this.#differences.filter((one) => one.key === key),
    }
  }

  async #export({ key, version, userAgent }: Extract<DevtoolsQuestion, { type: "export" }>): Promise<string> {
    const served = this.#find(key)
    const local = this.#local(key)
    const copy = copyBug(local)
    const nowMs = this.#source.host.nowMs()
    const probe = this.#probes.get(local)
    return await writeBugFile({
      copy,
      notes: {
        madeAt: new Date(nowMs).toISOString(),
        doc: served.doc,
        user: served.user,
        clockMs: nowMs,
        code: { version, protocol: PROTOCOL_VERSION, mutations: this.#source.mutations, userAgent },
        status: served.document.state.status,
        errors: served.document.meter.errors.map(({ code, message, at }) => ({ code, message, at })),
        timeline: (probe?.mutations() ?? []).map(({ name, at, outcome, args }) => ({ name, at, outcome, args })),
      },
    })
  }

  #find(key: string): ServedDocument {
    const served = this.#source.documents().find((one) => one.key === key)
    if (served === undefined)
      throw new LfError("LOG_CLOSED", "expected an open document, got one that was closed meanwhile")
    return served
  }

  #local(key: string): Local {
    const { document } = this.#find(key)
    if (document.opened !== null) return document.opened
    throw new LfError("LOG_CLOSED", "expected an open document, got one that is not open yet")
  }
}

function unrepeatable({ mutation, first, second }: Difference): LfError {
  const runs = `its first run did: ${first ?? "nothing more"}; the second: ${second ?? "nothing more"}`
  const remedy = "use tx.id(), tx.nowMs and the arguments only (docs/devtools.md)"
  return new LfError("MUTATION_UNREPEATABLE", `${mutation} is not repeatable: ${runs}. ${remedy}`)
}

/** A probe for each that is there, and none for one that is gone. */
function follow<Key, Watched, Probe extends { stop(): void }>(
  probes: Map<Key, Probe>,
  there: ReadonlyMap<Key, Watched>,
  watch: (watched: Watched) => Probe,
): void {
  for (const [key, probe] of probes) {
    if (there.has(key)) continue
    probe.stop()
    probes.delete(key)
  }
  for (const [key, watched] of there) if (!probes.has(key)) probes.set(key, watch(watched))
}

function shownDocument({ key, doc, user, tabs, document }: ServedDocument): ShownDocument {
  const { status, error, isOpen, isDurable, pendingCount, lsn } = document.state
  const local = document.opened
  return {
    key,
    doc,
    user,
    status,
    error: error === null ? null : { code: error.code, message: error.message },
    isOpen,
    isDurable,
    pending: pendingCount,
    lsn,
    epoch: local?.epoch ?? "",
    pageCount: local?.base.pageCount ?? 0,
    bytes: local?.storedBytes ?? 0,
    tabs,
    queries: document.queryCount,
  }
}
