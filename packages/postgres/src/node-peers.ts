import { createHash } from "node:crypto"
import type { Cancel, Host, OpenedLog, PeerListener, Peers, Pipe } from "@lf/core/internal"
import type pg from "pg"
import type { Connections } from "./connection.ts"
import { Mailbox } from "./mail.ts"
import { NodeLinks } from "./node-links.ts"
import { toStoreError } from "./store-error.ts"

/** How often the nodes at the other ends of links are looked at. */
const LOOK_MS = 100
const ADDRESSES_MS = 1_000

export interface NodePeersOptions {
  readonly nodeId: string
  readonly namespace: string
  readonly connections: Connections
  readonly host: Pick<Host, "after">
  /** Takes a document that is free; else a pipe to its owner. */
  readonly openOrReach: (docId: string) => Promise<OpenedLog | Pipe>
  /** The id of one of this store's documents. */
  readonly docIdOf: (document: string) => string
}

/** The other servers on one database. They need no way to each other: what they send is mail in the database. */
export class NodePeers implements Peers {
  readonly openOrReach: Peers["openOrReach"]
  readonly address: string
  readonly #options: NodePeersOptions
  readonly #links: NodeLinks
  readonly #mailbox: Mailbox
  #listener: PeerListener | null = null
  #cancel: Cancel = () => {}
  #isLooking = false
  #isClosed = false
  readonly #nodeByAddress = new Map<string, string>()
  #addressesReadMs = Number.NEGATIVE_INFINITY
  /** Has not begun. */
  #nextRead: Promise<void> | null = null

  constructor(options: NodePeersOptions) {
    this.#options = options
    this.openOrReach = options.openOrReach
    const { nodeId, host, connections } = options
    this.address = addressOf(nodeId)
    this.#links = new NodeLinks(
      (mail) => this.#mailbox.send(mail),
      (document, pipe) => this.#accept(document, pipe),
    )
    this.#mailbox = new Mailbox({
      nodeId,
      host,
      ...connections.mail,
      listener: {
        arrived: (mail) => this.#links.arrived(mail),
        interrupted: (nodes) => this.interrupted("the database was not there for a while", nodes),
        missed: () => this.#listener?.noticed(""),
        noticed: (payload) => this.#noticed(payload),
      },
    })
  }

  /** Resolves when other nodes reach this one. It does only where a server listens. @throws what the database says */
  async begin(): Promise<void> {
    if (this.#listener === null) return
    await this.#mailbox.begin()
    if (!this.#isLooking) this.#look()
  }

  /** @throws what mail has failed with for a while */
  confirm(): void {
    if (this.#listener !== null) this.#mailbox.confirm()
  }

  /** Whether other nodes reach this one. */
  get isServing(): boolean {
    return this.#listener !== null
  }

  listen(listener: PeerListener): void {
    this.#listener = listener
  }

  notify(notice: string): void {
    if (this.#listener === null || this.#isClosed) return
    const { nodeId, namespace } = this.#options
    // One that is lost is not sent again.
    this.#mailbox.notify([nodeId, namespace, notice].join("\n")).catch(() => {})
  }

  reach(node: string, document: string): Pipe {
    return this.#links.open(node, document)
  }

  /** Whether a server of that address is there. @throws LOG_FAILED */
  async knows(address: string): Promise<boolean> {
    if (!this.#nodeByAddress.has(address)) await this.#readAddresses()
    return this.#nodeByAddress.has(address)
  }

  async reachServer(address: string): Promise<Pipe | null> {
    await this.knows(address)
    const node = this.#nodeByAddress.get(address)
    return node === undefined ? null : this.#links.openServer(node)
  }

  /** Others take this node for gone, or mail may be lost: what was under way is over. */
  interrupted(reason: string, nodes?: ReadonlySet<string>): void {
    this.#links.close(reason, nodes)
  }

  /** Others get what was sent before. */
  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#cancel()
    this.#links.close("the server is shutting down")
    if (this.#listener !== null) await this.#mailbox.close()
  }

  /** Called when the node has no lease any more. */
  async sweep(): Promise<void> {
    if (this.#listener !== null) await this.#mailbox.sweep()
  }

  #accept(document: string | null, pipe: Pipe): void {
    if (this.#listener === null) pipe.close("nothing is served here")
    else if (document === null) this.#listener.reachedServer(pipe)
    else this.#listener.reached(this.#options.docIdOf(document), pipe)
  }

  #noticed(payload: string): void {
    const [sender, namespace, ...notice] = payload.split("\n")
    const { nodeId } = this.#options
    if (namespace === this.#options.namespace && sender !== nodeId) this.#listener?.noticed(notice.join("\n"))
  }

  /** Clients name addresses, so all that are unknown together ask the database once a second at the most. */
  #readAddresses(): Promise<void> {
    const delayMs = Math.max(0, this.#addressesReadMs + ADDRESSES_MS - performance.now())
    this.#nextRead ??= new Promise<void>((resolve) => this.#options.host.after(delayMs, resolve)).then(() => {
      this.#nextRead = null
      this.#addressesReadMs = performance.now()
      return this.#readNow()
    })
    return this.#nextRead
  }

  async #readNow(): Promise<void> {
    try {
      const { rows } = await this.#options.connections.work.query<{ id: string }>(
        "select id from lf.node where lease_until > clock_timestamp()",
      )
      this.#nodeByAddress.clear()
      for (const { id } of rows) this.#nodeByAddress.set(addressOf(id), id)
    } catch (error) {
      throw toStoreError(error, "a server was looked up")
    }
  }

  #look(): void {
    if (this.#isClosed) return
    this.#isLooking = true
    this.#cancel = this.#options.host.after(LOOK_MS, () => {
      void this.#endGone().finally(() => this.#look())
    })
  }

  /** Ends the links to nodes whose lease has run out. While the database does not answer, mail fails by itself. */
  async #endGone(): Promise<void> {
    const { nodes } = this.#links
    if (nodes.length === 0) return
    const alive = await livingOf(this.#options.connections.work, nodes).catch(() => null)
    if (alive === null) return
    const gone = nodes.filter((node) => !alive.has(node))
    if (gone.length > 0) this.#links.close("the other server is gone", new Set(gone))
  }
}

/** A node's id names a channel and a mailbox, and is a secret (S23). */
function addressOf(nodeId: string): string {
  return createHash("sha256").update(nodeId).digest("base64url").slice(0, 22)
}

async function livingOf(work: pg.Pool, nodes: readonly string[]): Promise<Set<string>> {
  const { rows } = await work.query<{ id: string }>(
    "select id from lf.node where id = any($1) and lease_until > clock_timestamp()",
    [nodes],
  )
  return new Set(rows.map(({ id }) => id))
}
