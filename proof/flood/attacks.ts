// What a server on the internet meets. Each attack starts at once and goes on until it is stopped.

import { randomBytes, randomUUID } from "node:crypto"
import { connect, type Socket } from "node:net"
import { setTimeout as sleep } from "node:timers/promises"
import { chainHash, encodeMessage, LSN_ZERO, loadChecksum, mutationCodec } from "@lf/core/testing"
import { WebSocket } from "ws"
import { RawClient } from "../../packages/next/src/testing/raw.ts"
import { BIG } from "./server.ts"

interface Field {
  readonly port: number
  /** False when the attack is over. */
  isOn(): boolean
  socket(): Socket
  /** What makes a raw request one of the attack's addresses. */
  headers(address: number): string
  client(address: number): RawClient
  /** Counts a successful step of the attack. */
  did(): void
}

const opened = (client: RawClient) =>
  new Promise<boolean>((resolve) => {
    client.socket.once("open", () => resolve(true))
    client.socket.once("close", () => resolve(false))
  })
const secret = () => new Uint8Array(randomBytes(32))
const NEXT = Buffer.from(encodeMessage({ type: "next-part" }))
const ASK = Buffer.from(
  encodeMessage({
    type: "sync-storage",
    cursor: LSN_ZERO,
    outcomesSeen: LSN_ZERO,
    resumeLsn: LSN_ZERO,
    resumePages: 0,
  }),
)
/** 8,000 pings as they are on the wire: a masked frame of two bytes each. */
const PINGS = Buffer.concat(Array.from({ length: 8_000 }, () => maskedPing()))
/** A masked frame that claims 1 MiB, and all of it but a little. */
const HALF_FRAME = Buffer.concat([
  Buffer.from([0x82, 0xff, 0, 0, 0, 0, 0, 0x10, 0, 0, 0, 0, 0, 0]),
  Buffer.alloc(1_048_576 - 1_024),
])

export const ATTACKS = {
  /** Headers that come a byte at a time, and sockets that never say hello. */
  "slow handshakes": async (field: Field) => {
    const slow = Array.from({ length: 200 }, () => field.socket())
    for (const socket of slow) socket.write("GET /api/lf HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ")
    for (let i = 0; i < 200; i++) field.client(i % 2)
    while (field.isOn()) {
      for (const socket of slow) if (socket.writable) socket.write("x")
      field.did()
      await sleep(200)
    }
  },

  /** Asks for pages and reads nothing. */
  "clients that never read": async (field: Field) => {
    await crowd(field, 40, async (client) => {
      client.hello({ docId: BIG, secret: secret() })
      await sleep(100)
      client.socket.pause()
      while (field.isOn() && client.socket.readyState === WebSocket.OPEN) {
        for (let i = 0; i < 10; i++) client.socket.send(NEXT)
        client.socket.send(ASK)
        field.did()
        await sleep(50)
      }
    })
  },

  "tiny frames": async (field: Field) => {
    await crowd(field, 20, async (client) => {
      client.hello({ docId: "tiny", secret: secret() })
      const stream = rawStream(client.socket)
      while (field.isOn() && client.socket.readyState === WebSocket.OPEN) {
        if (!stream.writableNeedDrain) {
          stream.write(PINGS)
          field.did()
        }
        await sleep(20)
      }
    })
  },

  /** Many that want all of a document of 20 MB, again and again. */
  "snapshot storm": async (field: Field) => {
    await crowd(field, 30, async (client) => {
      client.hello({ docId: BIG, secret: secret() })
      await client.receives("welcome").catch(() => {})
      client.ask()
      while (field.isOn() && client.socket.readyState === WebSocket.OPEN) {
        const pages = await client.receives("chunk").catch(() => null)
        if (pages === null) return
        client.said.length = 0
        field.did()
        if (pages.isLast) client.ask()
        else client.send({ type: "next-part" })
      }
    })
  },

  /** Upgrades on a path that no listener answers: left open, or left by their client, which the server must notice. */
  "unclaimed upgrades": async (field: Field) => {
    await sockets(field, 200, async (socket, i) => {
      socket.write(upgrade("/unclaimed", field.headers(i % 2)))
      if (i % 3 === 0) socket.end()
      await closed(socket)
    })
  },

  /** A frame of 1 MiB that never ends, before any hello. */
  "half frames": async (field: Field) => {
    await sockets(field, 100, async (socket, i) => {
      socket.write(upgrade("/api/lf", field.headers(i % 2)))
      socket.write(HALF_FRAME)
      await closed(socket)
    })
  },

  garbage: async (field: Field) => {
    await crowd(field, 8, async (client) => {
      for (let i = 0; i < 20; i++) client.socket.send(randomBytes(1 + (randomBytes(1)[0] % 200)))
      field.did()
      await client.closed
      await sleep(10)
    })
  },

  /** Clients that may only read, and send writes. */
  "readers who write": async (field: Field) => {
    await crowd(field, 8, async (client) => {
      await writes(field, client, "read-only", { name: "Add", count: 1_000, token: `reader ${randomBytes(1)[0] % 4}` })
    })
  },

  churn: async (field: Field) => {
    await crowd(field, 16, async (client) => {
      client.hello({ docId: `churn-${randomBytes(1)[0] % 4}`, secret: secret() })
      field.did()
      client.socket.close()
      await sleep(5)
    })
  },

  /** Batches of ordinary mutations of 14 ms each, in documents of their own. It comes last: its queue runs on for a while. */
  "slow batches": async (field: Field) => {
    await crowd(field, 4, async (client) => {
      await writes(field, client, `slow-${randomBytes(1)[0] % 4}`, { name: "Slow", count: 256 })
    })
  },
} as const satisfies Record<string, (field: Field) => Promise<void>>

export type AttackName = keyof typeof ATTACKS
export type ToAttackers =
  | { readonly type: "begin"; readonly attack: AttackName; readonly port: number }
  | { readonly type: "end" }
export type FromAttackers = { readonly type: "ended"; readonly did: number }

/** `size` clients at a time on two addresses; a refused one reconnects at once, as no client of ours does. */
async function crowd(field: Field, size: number, visit: (client: RawClient) => Promise<void>): Promise<void> {
  const member = async (_: unknown, i: number) => {
    while (field.isOn()) {
      const client = field.client(i % 2)
      if (await opened(client)) await visit(client)
      client.socket.terminate()
      await sleep(5)
    }
  }
  await Promise.all(Array.from({ length: size }, member))
}

/** One batch after the other, as fast as they are answered. */
async function writes(
  field: Field,
  client: RawClient,
  docId: string,
  { name, count, token = "" }: { readonly name: string; readonly count: number; readonly token?: string },
): Promise<void> {
  client.hello({ docId, secret: secret(), token })
  await client.receives("welcome").catch(() => {})
  let [from, previousHash] = [LSN_ZERO, 0n]
  while (field.isOn() && client.socket.readyState === WebSocket.OPEN) {
    const entries = Array.from({ length: count }, () =>
      mutationCodec.encode({ uid: randomUUID(), name, args: { id: "x" }, at: Date.now() }),
    )
    client.said.length = 0
    client.send({ type: "sync-mutations", batch: { from, previousHash, entries }, confirmed: from })
    field.did()
    while (field.isOn() && client.socket.readyState === WebSocket.OPEN && client.said.length === 0) await sleep(5)
    if (client.said[0]?.type !== "cursor") continue
    for (const bytes of entries) previousHash = chainHash(previousHash, bytes)
    from = client.said[0].lsn
  }
}

/** `size` raw sockets at a time, each in use until it is closed. */
async function sockets(field: Field, size: number, visit: (socket: Socket, i: number) => Promise<void>): Promise<void> {
  const member = async (_: unknown, i: number) => {
    while (field.isOn()) {
      const socket = field.socket()
      socket.resume()
      field.did()
      await visit(socket, i)
      socket.destroy()
      await sleep(20)
    }
  }
  await Promise.all(Array.from({ length: size }, member))
}

const closed = (socket: Socket) => new Promise<void>((resolve) => socket.once("close", () => resolve()))

function upgrade(path: string, headers: string): string {
  const key = "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
  return `GET ${path} HTTP/1.1\r\nHost: localhost\r\n${headers}Connection: Upgrade\r\nUpgrade: websocket\r\n${key}\r\n\r\n`
}

/** The attackers' process: attacks from `begin` to `end`. */
export function attack(): void {
  void loadChecksum()
  const open = new Set<{ destroy(): unknown }>()
  let isOn = false
  let did = 0
  process.on("message", (message: ToAttackers) => {
    if (message.type === "end") {
      isOn = false
      for (const one of open) one.destroy()
      open.clear()
      process.send?.({ type: "ended", did } satisfies FromAttackers)
      return
    }
    isOn = true
    did = 0
    const { port } = message
    // Each attack has addresses of its own: what one has used up would spare the server the next.
    const number = Object.keys(ATTACKS).indexOf(message.attack)
    const addressOf = (i: number) => `203.0.113.${2 * number + i}`
    const keep = <T extends { destroy(): unknown }>(one: T): T => {
      open.add(one)
      return one
    }
    void ATTACKS[message.attack]({
      port,
      isOn: () => isOn,
      socket: () => {
        const socket = keep(connect(port, "127.0.0.1").on("error", () => {}))
        socket.once("close", () => open.delete(socket))
        return socket
      },
      headers: (address) => `X-Forwarded-For: ${addressOf(address)}\r\n`,
      client: (address) => {
        const headers = { "x-forwarded-for": addressOf(address) }
        const socket = new WebSocket(`ws://127.0.0.1:${port}/api/lf`, { headers, perMessageDeflate: false })
        const client = new RawClient(socket)
        const handle = keep({ destroy: () => socket.terminate() })
        socket.once("close", () => open.delete(handle))
        return client
      },
      did: () => {
        did++
      },
    })
  })
  process.on("disconnect", () => process.exit(0))
}

/** The TCP stream under a socket of `ws`: its own `send` would make each ping by itself. */
function rawStream(socket: WebSocket): Socket {
  return (socket as unknown as { _socket: Socket })._socket // ws has no public access to it
}

function maskedPing(): Buffer {
  const [first, second] = encodeMessage({ type: "ping" })
  return Buffer.from([0x82, 0x82, 0, 0, 0, 0, first, second])
}
