import { ERROR_CODES, type ErrorCode } from "../base/error-codes.ts"
import type { Lsn } from "../base/lsn.ts"
import type { PageHistory } from "../storage/page-history.ts"
import type { ServedClient } from "./admission.ts"
import { BaseTransfer, planBase } from "./base-transfer.ts"
import type { Sender } from "./batch-merger.ts"
import type { ConnectedClient } from "./connected-client.ts"
import type { OutcomeList } from "./outcome-list.ts"
import { News, type Snapshot } from "./page-transfer.ts"
import type { PresenceBoard } from "./presence-board.ts"

/** The clients that are connected to one document. */
export class ConnectedClients {
  readonly #all = new Set<ConnectedClient>()
  readonly #presences: PresenceBoard

  constructor(presences: PresenceBoard) {
    this.#presences = presences
  }

  get count(): number {
    return this.#all.size
  }

  add(client: ConnectedClient): void {
    this.#all.add(client)
  }

  /** A client that was added, for its connection. `request` is called with what the document's loop handles. */
  serve(client: ConnectedClient, request: ServedClient["request"]): ServedClient {
    const all = this.#all
    const presences = this.#presences
    return {
      get isServed() {
        return all.has(client)
      },
      request,
      sendPart: () => client.sendPart(),
      setPresence: (message) => presences.set(client, message),
      watchPresences: ({ version }) => presences.watch(client, version),
      leave() {
        presences.leave(client)
        all.delete(client)
      },
    }
  }

  /** Ends other users' connections with the same secret, made while the id was anonymous (S4). */
  dismissOthers({ clientId, user }: Sender): void {
    for (const client of this.#all) {
      if (client.clientId !== clientId || client.user === user) continue
      this.#all.delete(client)
      client.refuse("CLIENT_PROOF", "this client id is bound to another user")
    }
  }

  /** Ends all of them, by default with SERVER_CLOSING: they connect again. */
  refuseAll(message: string, code: ErrorCode = "SERVER_CLOSING"): void {
    for (const client of this.#all) client.refuse(code, code === "SERVER_CLOSING" ? message : ERROR_CODES[code])
    this.#all.clear()
  }

  /** Answers every waiting request whose cursor is behind. */
  announce(flushed: Snapshot, history: PageHistory, outcomes: OutcomeList): void {
    // Most clients have the same cursor: what they lack is found and encoded once.
    const newsByCursor = new Map<Lsn, News | null>()
    for (const client of this.#all) {
      const { waiting, cursor } = client
      if (waiting === null || (client.hasOurEpoch && cursor >= flushed.lsn)) continue
      let news = newsByCursor.get(cursor)
      if (news === undefined) {
        const difference = history.since(cursor)
        news = difference === null ? null : new News(cursor, flushed, difference)
        newsByCursor.set(cursor, news)
      }
      const own = outcomes.after(client.clientId, waiting.outcomesSeen)
      if (news === null) client.startBase(new BaseTransfer(flushed, planBase(flushed, history, waiting), own))
      else client.startTransfer(news, own)
    }
  }
}
