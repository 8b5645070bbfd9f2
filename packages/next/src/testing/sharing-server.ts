import {
  ClientConnection,
  type DocumentStore,
  MemoryNetwork,
  type Peers,
  type Pipe,
  Presences,
  type ServedDocument,
} from "@lf/core/internal"
import { Rooms } from "../documents/rooms.ts"
import { nodeHost } from "../node/node-host.ts"
import { later, mutator, startClient, type TestClient } from "./fixture.ts"

/** A store of several servers. */
type SharedStore = DocumentStore & { readonly peers: Peers }

/** One server with its clients. Two in this process are as far apart as two machines: they share the database alone. */
export class Node {
  readonly rooms: Rooms
  readonly notices: string[] = []
  readonly network: MemoryNetwork
  readonly peers: Peers
  mayWrite: (name: string) => boolean = () => true

  private constructor(store: SharedStore) {
    const onNotice = (notice: string) => void this.notices.push(notice)
    const onServer = (pipe: Pipe) =>
      pipe.listen({ frame: (frame) => pipe.send(Uint8Array.of(frame.length)), closed() {} })
    this.rooms = new Rooms({ store, mutator, onNotice, onServer, limits: { idleMs: 60_000 } })
    this.peers = store.peers
    this.network = new MemoryNetwork((pipe) => {
      const admission = {
        authorize: async ({ token }: { token: string }) => ({
          user: token || null,
          mayWrite: (name: string) => this.mayWrite(name),
        }),
        openDocument: async ({ docId }: { docId: string }) => {
          const { document, leave } = await this.rooms.enter(docId, { create: true, isForClient: true })
          return { remote: document, release: leave }
        },
      }
      new ClientConnection({ pipe, host: nodeHost, admission })
    })
  }

  static start(store: SharedStore): Node {
    const node = new Node(store)
    later(() => node.rooms.close())
    return node
  }

  async client(docId: string, user?: string): Promise<TestClient & { readonly presences: Presences }> {
    const presences = new Presences(nodeHost)
    const client = await startClient(this.network, { docId, presences, ...(user === undefined ? {} : { user }) })
    return { ...client, presences }
  }

  async within<T>(docId: string, work: (document: ServedDocument) => Promise<T>): Promise<T> {
    const { document, leave } = await this.rooms.enter(docId, { create: false })
    try {
      return await work(document)
    } finally {
      leave()
    }
  }
}
