import { describe, expect, test } from "vitest"
import { LfError } from "../base/error.ts"
import { lsn } from "../base/lsn.ts"
import { decodeMessage, encodeMessage } from "../network/codec.ts"
import { FRAME_BYTES_MAX, type Message, PROTOCOL_VERSION } from "../network/message.ts"
import type { Pipe, PipeListener } from "../network/network.ts"
import { helloOf } from "../testing/hello.ts"
import { SeededRandom } from "../testing/seeded-random.ts"
import { SimClock, SimHost } from "../testing/sim-host.ts"
import { turn } from "../testing/sim-node.ts"
import { mutationCodec } from "../timeline/mutation.ts"
import type { ConnectableDocument, OpenDocument, ServedClient } from "./admission.ts"
import { ClientConnection, HANDSHAKE_MS_MAX } from "./client-connection.ts"
import type { MayWrite } from "./refused-ranges.ts"

const hello = helloOf({ docId: "doc" })
const entry = mutationCodec.encode({ uid: "00000000-0000-4000-8000-000000000000", name: "Add", args: null, at: 1 })
const push = encodeMessage({
  type: "sync-mutations",
  batch: { from: lsn(0), previousHash: 0n, entries: [entry, entry] },
  confirmed: lsn(0),
})
const ask = (cursor: number) =>
  encodeMessage({ type: "sync-storage", cursor: lsn(cursor), outcomesSeen: lsn(0), resumeLsn: lsn(0), resumePages: 0 })
const never: MayWrite = () => new Promise(() => {})

/** A connection to a document that records its calls; `authorize` waits until the test answers it. */
class Scene {
  readonly clock = new SimClock()
  readonly sent: Message[] = []
  readonly closed: string[] = []
  readonly steps: string[] = []
  readonly connection: ClientConnection<{ user: null; mayWrite?: MayWrite }>
  isConnected = false
  authorize: (error?: unknown) => void = () => {}
  document: Partial<OpenDocument> = {}
  #listener: PipeListener = { frame: () => {}, closed: () => {} }

  constructor({ mayWrite }: { mayWrite?: MayWrite } = {}) {
    const pipe: Pipe = {
      send: (frame) => void this.sent.push(decodeMessage(frame)),
      close: (reason) => void this.closed.push(reason),
      listen: (listener) => {
        this.#listener = listener
      },
    }
    const scene = this
    const client: ServedClient = {
      get isServed() {
        return scene.isConnected
      },
      request: ({ type }) => void this.steps.push(type),
      sendPart: () => undefined,
      setPresence: ({ tab }) => void this.steps.push(`presence ${tab}`),
      watchPresences: ({ version }) => void this.steps.push(`watch presences ${version}`),
      leave: () => {
        this.steps.push("disconnect")
        this.isConnected = false
      },
    }
    const remote: ConnectableDocument = {
      connect: ({ hello: { docId } }) => {
        this.steps.push(`connect ${docId}`)
        this.isConnected = true
        return client
      },
      isMutation: () => true,
    }
    this.connection = new ClientConnection({
      pipe,
      host: new SimHost(this.clock, new SeededRandom(1)),
      admission: {
        authorize: ({ docId }) => {
          this.steps.push(`authorize ${docId}`)
          return new Promise((resolve, reject) => {
            this.authorize = (error) =>
              error === undefined ? resolve({ user: null, ...(mayWrite && { mayWrite }) }) : reject(error)
          })
        },
        openDocument: async () => {
          this.steps.push("open")
          return { remote, release: () => void this.steps.push("release"), ...this.document }
        },
      },
    })
  }

  send(...frames: Uint8Array[]): void {
    for (const frame of frames) this.#listener.frame(frame)
  }

  end(): void {
    this.#listener.closed("gone")
  }

  /** Its hello was sent and answered. */
  async opened(): Promise<this> {
    this.send(encodeMessage(hello))
    this.authorize()
    await turn()
    this.steps.length = 0
    return this
  }
}

const openedWith = (mayWrite?: MayWrite) => new Scene(mayWrite && { mayWrite }).opened()

describe("before the hello", () => {
  test.each([
    ["SERVER_OLDER", encodeMessage({ ...hello, protocol: PROTOCOL_VERSION + 1 })],
    ["PROTOCOL_NEWER", encodeMessage({ ...hello, protocol: PROTOCOL_VERSION - 1 })],
    ["DOC_ID_INVALID", encodeMessage({ ...hello, docId: "../etc" })],
    ["FRAME_MALFORMED", encodeMessage({ type: "ping" })],
    ["FRAME_MALFORMED", new Uint8Array([1, 2, 3])],
  ])("an unfit first frame is refused with %s; authorize is not called (S8, S15)", async (code, frame) => {
    const scene = new Scene()
    expect(scene.connection.state).toBe("awaiting-hello")
    scene.send(frame)
    await turn()
    expect(scene.sent).toMatchObject([{ type: "refuse", code }])
    expect([scene.closed, scene.steps, scene.connection.state]).toEqual([[code], [], "closed"])
  })

  test("a connection that sends nothing is closed after 10 s, and not before (S7)", () => {
    const scene = new Scene()
    expect(scene.clock.nextAtMs).toBe(HANDSHAKE_MS_MAX)
    scene.clock.runNext()
    expect([scene.closed, scene.connection.state]).toEqual([["no hello"], "closed"])
  })

  test("a connection that sent its hello, or ended, leaves no timer (S7)", () => {
    const greeted = new Scene()
    greeted.send(encodeMessage(hello))
    const ended = new Scene()
    ended.end()
    for (const { clock } of [greeted, ended]) expect(clock.nextAtMs).toBe(Number.POSITIVE_INFINITY)
  })
})

describe("while a client is admitted", () => {
  test("the document is opened after authorize, then the client, then frames that wait (S3)", async () => {
    const scene = new Scene()
    scene.send(encodeMessage(hello), ask(1), push)
    await turn()
    expect([scene.steps, scene.connection.state]).toEqual([["authorize doc"], "admitting"])
    scene.document = { welcomed: () => void scene.steps.push("welcomed") }
    scene.authorize()
    await turn()
    scene.send(ask(2))
    await turn()
    const requests = ["sync-storage", "sync-mutations", "sync-storage"]
    expect(scene.steps).toEqual(["authorize doc", "open", "connect doc", "welcomed", ...requests])
    expect(scene.connection.state).toBe("open")
  })

  test("a ping is answered after the welcome, and the connection goes on", async () => {
    const scene = new Scene()
    scene.send(encodeMessage(hello), encodeMessage({ type: "ping" }), ask(1))
    scene.authorize()
    await turn()
    expect([scene.sent, scene.connection.state]).toEqual([[{ type: "pong" }], "open"])
    expect(scene.steps.at(-1)).toBe("sync-storage")
  })

  test("16 frames may wait; one more ends the connection with RATE_LIMITED (S7)", () => {
    const scene = new Scene()
    scene.send(encodeMessage(hello))
    for (let i = 0; i < 16; i++) scene.send(new Uint8Array(1))
    expect(scene.closed).toEqual([])
    scene.send(new Uint8Array(1))
    expect(scene.sent).toMatchObject([{ type: "refuse", code: "RATE_LIMITED" }])
    expect(scene.closed).toEqual(["RATE_LIMITED"])
  })

  test("64 KiB may wait; one byte more ends the connection (S7)", () => {
    const scene = new Scene()
    scene.send(encodeMessage(hello), new Uint8Array(32 * 1024), new Uint8Array(32 * 1024))
    expect(scene.closed).toEqual([])
    scene.send(new Uint8Array(1))
    expect(scene.closed).toEqual(["RATE_LIMITED"])
  })

  test("a refusal has the code of an LfError, DOC_STOPPED for any other error (S16)", async () => {
    for (const [error, code] of [
      [new LfError("FORBIDDEN", "no"), "FORBIDDEN"],
      [new Error("a bug"), "DOC_STOPPED"],
    ] as const) {
      const scene = new Scene()
      scene.send(encodeMessage(hello))
      scene.authorize(error)
      await turn()
      expect(scene.sent).toMatchObject([{ type: "refuse", code }])
      expect([scene.closed, scene.steps]).toEqual([[code], ["authorize doc"]])
    }
  })

  test("a connection that ends meanwhile releases the document and connects no client", async () => {
    const scene = new Scene()
    scene.send(encodeMessage(hello))
    scene.end()
    scene.authorize()
    await turn()
    expect(scene.steps).toEqual(["authorize doc", "open", "release"])
    expect([scene.sent, scene.closed]).toEqual([[], []])
  })

  test("a document that refuses the client is released", async () => {
    const scene = new Scene()
    scene.send(encodeMessage(hello))
    scene.document = {
      remote: {
        connect: () => {
          throw new LfError("CLIENT_PROOF", "another user's")
        },
      } as never, // no other member is called
    }
    scene.authorize()
    await turn()
    expect(scene.steps).toEqual(["authorize doc", "open", "release"])
    expect(scene.closed).toEqual(["CLIENT_PROOF"])
  })

  test("a document whose welcome fails is given back, once", async () => {
    const scene = new Scene()
    scene.send(encodeMessage(hello))
    scene.document = {
      welcomed: () => {
        throw new Error("a bug")
      },
    }
    scene.authorize()
    await turn()
    expect(scene.steps).toEqual(["authorize doc", "open", "connect doc", "disconnect", "release"])
    expect(scene.closed).toEqual(["DOC_STOPPED"])
  })
})

describe("frames that wait behind a slow authorize", () => {
  test("may be 64; one more ends the connection with RATE_LIMITED (I17)", async () => {
    const scene = await openedWith(never)
    scene.send(push)
    await turn()
    for (let i = 0; i < 64; i++) scene.send(ask(0))
    expect(scene.connection.state).toBe("open")
    scene.send(ask(0))
    expect(scene.sent).toMatchObject([{ type: "refuse", code: "RATE_LIMITED" }])
    expect([scene.closed, scene.steps]).toEqual([["RATE_LIMITED"], ["disconnect", "release"]])
  })

  test("may have the bytes of two frames; one byte more ends the connection (I17)", async () => {
    const scene = await openedWith(never)
    scene.send(push)
    await turn()
    scene.send(new Uint8Array(FRAME_BYTES_MAX), new Uint8Array(FRAME_BYTES_MAX))
    expect(scene.connection.state).toBe("open")
    scene.send(new Uint8Array(1))
    expect(scene.connection.state).toBe("closed")
  })

  test("do not keep a ping waiting", async () => {
    const scene = await openedWith(never)
    scene.send(push, encodeMessage({ type: "ping" }))
    expect(scene.sent).toEqual([{ type: "pong" }])
  })

  test("are not handled when their connection has ended meanwhile", async () => {
    let allow = (_: boolean) => {}
    const scene = await openedWith(
      () =>
        new Promise((resolve) => {
          allow = resolve
        }),
    )
    scene.send(push, ask(0))
    await turn()
    scene.end()
    allow(true)
    await turn()
    scene.send(ask(0))
    await turn()
    expect(scene.steps).toEqual(["disconnect", "release"])
  })
})

describe("an open connection", () => {
  test("handles thousands of frames one after the other (I17)", async () => {
    const entries = Array.from({ length: 4 }, () => new Uint8Array(200 * 1024))
    const batch = { from: lsn(0), previousHash: 0n, entries }
    const large = encodeMessage({ type: "sync-mutations", batch, confirmed: lsn(0) })
    const scene = await openedWith(() => true)
    for (let round = 0; round < 6; round++) {
      scene.send(large)
      for (let i = 0; i < 60; i++) scene.send(push)
      await turn()
    }
    expect([scene.steps.length, scene.connection.state]).toEqual([366, "open"])
  })

  test("paces a first download as pages, later ones as news, a push by its mutations (S7)", async () => {
    const scene = new Scene()
    const paced: string[] = []
    scene.document = {
      pace: {
        mutations: (count) => void paced.push(`${count} mutations`),
        pages: async () => void paced.push("pages"),
        news: () => void paced.push("news"),
      },
    }
    await scene.opened()
    scene.send(ask(0), ask(7), push, encodeMessage({ type: "next-part" }))
    await turn()
    expect(paced).toEqual(["pages", "news", "2 mutations", "pages"])
  })

  test("ends with FRAME_MALFORMED at a server's message or one that does not parse (S9)", async () => {
    for (const frame of [encodeMessage({ type: "pong" }), new Uint8Array([255])]) {
      const scene = await openedWith()
      scene.send(frame)
      await turn()
      expect(scene.sent).toMatchObject([{ type: "refuse", code: "FRAME_MALFORMED" }])
      expect(scene.steps).toEqual(["disconnect", "release"])
    }
  })

  test("sends DOC_STOPPED when authorize throws, unless it throws an LfError (S16)", async () => {
    for (const [thrown, code] of [
      [new Error("password=hunter2"), "DOC_STOPPED"],
      [new LfError("RATE_LIMITED", "too fast"), "RATE_LIMITED"],
    ] as const) {
      const scene = await openedWith(() => {
        throw thrown
      })
      scene.send(push)
      await turn()
      expect(scene.sent).toMatchObject([{ type: "refuse", code }])
      expect(JSON.stringify(scene.sent)).not.toContain("hunter2")
    }
  })

  test("handles no frame after the document ended the client", async () => {
    const scene = await openedWith()
    scene.isConnected = false
    scene.send(ask(0), encodeMessage({ type: "next-part" }))
    await turn()
    expect([scene.steps, scene.sent]).toEqual([[], []])
  })

  test("that is closed sends no refusal, handles nothing that waits, and releases the document", async () => {
    let allow = (_: boolean) => {}
    const scene = await openedWith(
      () =>
        new Promise((resolve) => {
          allow = resolve
        }),
    )
    scene.send(push, push)
    await turn()
    scene.connection.close("AUTH_REQUIRED")
    allow(true)
    await turn()
    expect([scene.steps, scene.sent, scene.closed]).toEqual([["disconnect", "release"], [], ["AUTH_REQUIRED"]])
  })

  test("releases the document once, however often it ends", async () => {
    const scene = await openedWith()
    scene.end()
    scene.end()
    scene.send(push)
    await turn()
    expect([scene.steps, scene.sent, scene.closed]).toEqual([["disconnect", "release"], [], []])
  })
})
