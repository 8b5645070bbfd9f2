import { LfError, type Mutator } from "@lf/core"
import {
  type Admission,
  ClientConnection,
  checkDocId,
  type Effect,
  type Hello,
  type Host,
  loadChecksum,
  MemoryDisk,
  type OpenDocument,
  type Pipe,
  Remote,
  type Rights,
} from "@lf/core/internal"
import { loadSqliteAnywhere } from "../platform/memory/load-sqlite.ts"
import { authorOf, codeOf, type TestAccess } from "./test-access.ts"

/** A mutation that was applied. `uid` is the idempotency key for its receiver. */
export interface TestAppliedEvent extends Effect {
  readonly docId: string
}

/** Where a mutator failed at the server. */
export interface TestFailure {
  readonly doc: string
  readonly mutation: string
  readonly uid: string
  readonly user: string | null
}

export interface TestDocumentsOptions<P extends { readonly id: string }> {
  readonly mutator: Mutator
  readonly host: Host
  readonly access: TestAccess<P>
  readonly onApplied: ((event: TestAppliedEvent) => void | Promise<void>) | undefined
  readonly onError: ((error: unknown, failure: TestFailure) => void) | undefined
}

/** A device that connects. */
export interface Caller {
  /** Equal for all connections of one device. */
  readonly device: object
  readonly user: string | null
  readonly headers: Headers
  readonly url: string
}

/** How a device stands with a document that it asked for: what was decided, and the position that it has. */
interface Contact {
  state: "asking" | "refused" | "open"
  cursor: number
}

interface PrincipalRights<P> extends Rights {
  readonly principal: P | null
  /** Asks `authenticate` and `authorize` again. The code that closes the connection; null: it may stay. */
  recheck(): Promise<string | null>
}

/** The documents of a test's server: one `Remote` each, in memory. */
export class TestDocuments<P extends { readonly id: string }> {
  readonly #options: TestDocumentsOptions<P>
  readonly #disk = new MemoryDisk()
  readonly #remotes = new Map<string, Promise<Remote>>()
  /** Those that are open, with what they asked to be admitted. */
  readonly #connections = new Map<ClientConnection<PrincipalRights<P>>, PrincipalRights<P>>()
  readonly #contacts = new WeakMap<object, Map<string, Contact>>()
  #working = 0

  constructor(options: TestDocumentsOptions<P>) {
    this.#options = options
  }

  /** Calls of `onApplied` and of this process that are under way. */
  get working(): number {
    return this.#working
  }

  has(doc: string): boolean {
    return this.#remotes.has(doc)
  }

  /** Null: there is no such document, or it is not open yet. */
  async find(doc: string): Promise<Remote | null> {
    return (await this.#remotes.get(doc)) ?? null
  }

  /** The document, which is created when it is missing. @throws DOC_ID_INVALID MIGRATION_FAILED */
  open(doc: string): Promise<Remote> {
    checkDocId(doc)
    const remote = this.#remotes.get(doc) ?? this.#recover(doc)
    this.#remotes.set(doc, remote)
    // The next opening tries again.
    remote.catch(() => this.#remotes.delete(doc))
    return remote
  }

  /** Runs `work` as a part of what `settled` waits for. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    this.#working++
    try {
      return await work()
    } finally {
      this.#working--
    }
  }

  /** Serves a device's connection. */
  accept(pipe: Pipe, caller: Caller): void {
    const { host } = this.#options
    const contacts = this.#contacts.get(caller.device) ?? new Map<string, Contact>()
    this.#contacts.set(caller.device, contacts)
    const contact: Contact = { state: "asking", cursor: -1 }
    const unlessRefused = async <T>(work: Promise<T>): Promise<T> => {
      try {
        return await work
      } catch (error) {
        contact.state = "refused"
        throw error
      }
    }
    const admission: Admission<PrincipalRights<P>> = {
      authorize: (hello) => {
        contacts.set(hello.docId, contact)
        return unlessRefused(this.#rightsOf(hello, caller))
      },
      openDocument: async ({ docId }, asked) => {
        await unlessRefused(this.#checkCreate(docId, asked.principal))
        const remote = await unlessRefused(this.open(docId))
        this.#connections.set(connection, asked)
        contact.state = "open"
        const release = () => {
          this.#connections.delete(connection)
          if (contacts.get(docId) === contact) contacts.delete(docId)
        }
        return { remote: watched(remote, contact), release }
      },
    }
    const connection = new ClientConnection({ pipe, host, admission })
  }

  /** Why a device does not have all rows of a document that it asked for; null: it has, or was refused. */
  async behind(device: object, doc: string): Promise<string | null> {
    const contact = this.#contacts.get(device)?.get(doc)
    if (contact?.state === "refused") return null
    const remote = await this.find(doc)
    if (contact === undefined || remote === null) return `document ${doc} is not connected`
    return contact.cursor === remote.lsn() ? null : `document ${doc} is at ${contact.cursor}, not at ${remote.lsn()}`
  }

  /** Asks for every open connection again, and closes those that lost access. */
  async recheck(): Promise<void> {
    const ask = async ([connection, rights]: readonly [ClientConnection<PrincipalRights<P>>, PrincipalRights<P>]) => {
      const code = await rights.recheck()
      if (code !== null) connection.close(code)
    }
    await Promise.all(Array.from(this.#connections, ask))
  }

  async close(): Promise<void> {
    const remotes = await Promise.allSettled(this.#remotes.values())
    this.#remotes.clear()
    await Promise.all(remotes.map((one) => (one.status === "fulfilled" ? one.value.close() : null)))
  }

  async #recover(doc: string): Promise<Remote> {
    const { mutator, host, onApplied, onError } = this.#options
    await loadChecksum()
    return await Remote.recover({
      opened: await this.#disk.open(doc),
      loadSqlite: loadSqliteAnywhere,
      mutator,
      host,
      // As in development: a rejection's author gets the message of what was thrown.
      sendsMessages: true,
      onFailed: ({ mutation: { name, uid }, user, error }) => onError?.(error, { doc, mutation: name, uid, user }),
      ...(onApplied === undefined
        ? {}
        : { onApplied: (effect) => this.during(async () => await onApplied({ docId: doc, ...effect })) }),
    })
  }

  async #rightsOf({ docId: doc, token }: Hello, caller: Caller): Promise<PrincipalRights<P>> {
    const { access } = this.#options
    const url = new URL(caller.url, "http://localhost")
    const request = { headers: caller.headers, url, token: token === "" ? null : token, user: caller.user }
    let principal = await access.authenticate(request)
    const user = principal?.id ?? null
    await access.check({ principal, doc, action: "read" })
    const again = async () => {
      const now = await access.authenticate(request)
      if ((now?.id ?? null) !== user) throw new LfError("AUTH_REQUIRED", "authenticate() answered another user")
      principal = now
      await access.check({ principal, doc, action: "read" })
    }
    return {
      // The last answers count.
      get principal() {
        return principal
      },
      get author() {
        return authorOf(principal)
      },
      user,
      mayWrite: (mutation) => access.may({ principal, doc, action: "write", mutation }),
      recheck: () => codeOf(again()),
    }
  }

  /** @throws FORBIDDEN AUTHORIZE_FAILED */
  async #checkCreate(doc: string, principal: P | null): Promise<void> {
    if (!this.has(doc)) await this.#options.access.check({ principal, doc, action: "create" })
  }
}

/** A document that notes the position which the client of a connection has. */
function watched(remote: Remote, contact: Contact): OpenDocument["remote"] {
  return {
    connect(options) {
      const client = remote.connect(options)
      return {
        get isServed() {
          return client.isServed
        },
        request(message, refused) {
          if (message.type === "sync-storage") contact.cursor = message.cursor
          client.request(message, refused)
        },
        sendPart: () => client.sendPart(),
        setPresence: (message) => client.setPresence(message),
        watchPresences: (message) => client.watchPresences(message),
        leave: () => client.leave(),
      }
    },
    isMutation: (name) => remote.isMutation(name),
  }
}
