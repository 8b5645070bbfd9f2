import type { Host } from "../base/host.ts"
import { PRESENCES_MAX, type Presence, type Presences, type SharedPresence } from "../network/message.ts"
import type { ConnectedClient } from "./connected-client.ts"

/** Tabs of one connection that may be present. */
export const CLIENT_PRESENCES_MAX = 16
/** Bytes of all presences of a document, with their users: together they fit one frame. */
export const PRESENCES_BYTES_MAX = 512 * 1024
/** Changes within this time reach readers together. */
const GATHER_MS = 50

interface Shown extends SharedPresence {
  readonly version: number
  readonly client: ConnectedClient
}

/** Who has one document open, as their tabs say. In memory only: nothing of it is journaled, and it ends with the connection. */
export class PresenceBoard {
  readonly #host: Host
  readonly #shown = new Map<string, Shown>()
  /** In the order in which they went. */
  readonly #gone = new Map<string, number>()
  /** A reader that is older than this gets all that are there: ids that went before are forgotten. */
  #forgotten = 1
  #version = 1
  #bytes = 0
  readonly #waiting = new Map<ConnectedClient, number>()
  #isAnswerDue = false

  constructor(host: Host) {
    this.#host = host
  }

  get count(): number {
    return this.#shown.size
  }

  /** What a tab shows from now on; over a limit nothing. */
  set(client: ConnectedClient, { tab, value }: Presence): void {
    const id = `${client.clientId}/${tab}`
    if (value.length === 0) {
      this.#remove(id)
      return
    }
    const before = this.#shown.get(id)
    const bytes = bytesOf(value, client.user) - (before === undefined ? 0 : bytesOf(before.value, before.user))
    if (this.#bytes + bytes > PRESENCES_BYTES_MAX || (before === undefined && !this.#hasRoom(client))) return
    this.#bytes += bytes
    this.#gone.delete(id)
    this.#shown.set(id, { id, user: client.user, value, version: ++this.#version, client })
    this.#announce()
  }

  /** Answers when presences have changed after `version`. One request of a client waits at a time. */
  watch(client: ConnectedClient, version: number): void {
    this.#waiting.set(client, version)
    // The first answer is what is there: at once.
    if (version === 0) this.#answer(client, version)
    else if (version < this.#version) this.#announce()
  }

  /** The connection ended. */
  leave(client: ConnectedClient): void {
    this.#waiting.delete(client)
    for (const one of [...this.#shown.values()]) if (one.client === client) this.#remove(one.id)
  }

  #hasRoom(client: ConnectedClient): boolean {
    if (this.#shown.size >= PRESENCES_MAX) return false
    let count = 0
    for (const one of this.#shown.values()) if (one.client === client) count++
    return count < CLIENT_PRESENCES_MAX
  }

  #remove(id: string): void {
    const one = this.#shown.get(id)
    if (one === undefined) return
    this.#shown.delete(id)
    this.#bytes -= bytesOf(one.value, one.user)
    this.#gone.set(id, ++this.#version)
    for (const [oldest, wentAt] of this.#gone) {
      if (this.#gone.size <= PRESENCES_MAX) break
      this.#gone.delete(oldest)
      this.#forgotten = wentAt
    }
    this.#announce()
  }

  #announce(): void {
    if (this.#waiting.size === 0 || this.#isAnswerDue) return
    this.#isAnswerDue = true
    this.#host.after(GATHER_MS, () => {
      this.#isAnswerDue = false
      for (const [client, version] of [...this.#waiting]) if (version < this.#version) this.#answer(client, version)
    })
  }

  #answer(client: ConnectedClient, version: number): void {
    this.#waiting.delete(client)
    client.send(this.#since(version))
  }

  /** What came and went after `version`. All of it fits one frame. */
  #since(version: number): Presences {
    const isAll = version < this.#forgotten
    const changed: SharedPresence[] = []
    for (const one of this.#shown.values()) {
      if (isAll || one.version > version) changed.push({ id: one.id, user: one.user, value: one.value })
    }
    const gone: string[] = []
    if (!isAll) for (const [id, wentAt] of this.#gone) if (wentAt > version) gone.push(id)
    return { type: "presences", version: this.#version, isAll, changed, gone }
  }
}

function bytesOf(value: Uint8Array, user: string | null): number {
  return value.length + (user?.length ?? 0) * 3
}
