import { once } from "node:events"
import { createServer, type Server } from "node:http"
import { type AddressInfo, connect, type Socket } from "node:net"
import { afterEach, describe, expect, test } from "vitest"
import { WebSocket, WebSocketServer } from "ws"
import { createLf } from "../create-lf.ts"
import type { Limits } from "../limits/limits.ts"
import { cleanUp, later, mutator, temporaryDirectory, until } from "../testing/fixture.ts"

afterEach(cleanUp)

type Listener = Parameters<Server["on"]>[1]

let paths = 0
/** Servers that had a connection. */
const seen = new WeakSet<Server>()

/** A server with lf, and a listener of another library's for the upgrades that lf does not claim: Next's does nothing with them. */
async function serve(limits: Partial<Limits> = {}, listener: Listener = () => {}) {
  const lf = createLf({
    mutator,
    dataDir: await temporaryDirectory(),
    path: `/lf-unanswered-${++paths}`,
    limits,
    trustProxy: 1,
    authenticate: () => null,
    authorize: () => true,
  })
  const server = createServer((_request, response) => response.end("plain"))
  server.on("upgrade", listener)
  server.on("connection", () => seen.add(server))
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  later(async () => {
    server.close()
    await lf.close()
    server.closeAllConnections()
  })
  return { lf, server, port: (server.address() as AddressInfo).port }
}

interface Asked {
  readonly socket: Socket
  /** All that came until the end. */
  readonly answer: Promise<string>
}

function ask(port: number, { path = "/unclaimed", address = "1.1.1.1", more = "" } = {}): Asked {
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true })
  later(() => socket.destroy())
  let said = ""
  socket.on("data", (data) => {
    said += data
  })
  socket.on("error", () => {})
  const closed = once(socket, "close")
  const answer = Promise.race([once(socket, "end"), closed]).then(() => said)
  const key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13"
  const head = `GET ${path} HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: ${address}\r\nConnection: Upgrade\r\n`
  socket.write(`${head}Upgrade: websocket\r\n${key}\r\n\r\n${more}`)
  return { socket, answer }
}

const connectionsOf = (server: Server) =>
  new Promise<number>((resolve, reject) =>
    server.getConnections((error, count) => (error === null ? resolve(count) : reject(error))),
  )

const isEmpty = (server: Server) =>
  until(async () => seen.has(server) && (await connectionsOf(server)) === 0, "every socket is gone")

describe("an upgrade that no listener answers (S20)", () => {
  test("gets 404 after upgradeMsMax, and its socket is gone though the other side keeps it open", async () => {
    const { server, port } = await serve({ upgradeMsMax: 100 })
    const asked = Array.from({ length: 20 }, () => ask(port))
    for (const { answer } of asked) expect(await answer).toMatch(/^HTTP\/1\.1 404 Not Found\r\n/)
    await isEmpty(server)
  })

  test("is destroyed as soon as the other side ended, whatever its deadline", async () => {
    const { server, port } = await serve({ upgradeMsMax: 600_000 })
    const asked = Array.from({ length: 20 }, () => ask(port))
    await until(async () => (await connectionsOf(server)) === 20, "all wait")
    for (const { socket } of asked) socket.end()
    await isEmpty(server)
  })

  test("is destroyed at its deadline when the other side sent something and then ended", async () => {
    const { server, port } = await serve({ upgradeMsMax: 100 })
    const { socket } = ask(port, { more: "x".repeat(200_000) })
    socket.end()
    await isEmpty(server)
  })

  test("an address over its limit gets 429 at once; others are unaffected, and slots are released", async () => {
    const { server, port } = await serve({ upgradeMsMax: 600_000, unansweredUpgradesPerAddressMax: 3 })
    const waiting = Array.from({ length: 3 }, () => ask(port))
    await until(async () => (await connectionsOf(server)) === 3, "all wait")
    expect(await ask(port).answer).toMatch(/^HTTP\/1\.1 429 [\s\S]*Retry-After: 5\r\n/)
    const other = ask(port, { address: "2.2.2.2" })
    waiting[0].socket.destroy()
    await until(async () => (await connectionsOf(server)) === 3, "one left, another came")
    const next = ask(port)
    await until(async () => (await connectionsOf(server)) === 4, "the next waits")
    expect([other.socket.destroyed, next.socket.destroyed]).toEqual([false, false])
  })

  test("the process has so many; over it 503 at once", async () => {
    const { server, port } = await serve({ upgradeMsMax: 600_000, unansweredUpgradesMax: 5 })
    for (let i = 0; i < 5; i++) ask(port, { address: `1.1.1.${i}` })
    await until(async () => (await connectionsOf(server)) === 5, "all wait")
    expect(await ask(port, { address: "9.9.9.9" }).answer).toMatch(/^HTTP\/1\.1 503 /)
  })

  test("a server that closes does not wait for it; another server's stay", async () => {
    const [first, second] = [await serve({ upgradeMsMax: 600_000 }), await serve({ upgradeMsMax: 600_000 })]
    const asked = [ask(first.port), ask(second.port)]
    await until(
      async () => (await connectionsOf(first.server)) + (await connectionsOf(second.server)) === 2,
      "both wait",
    )
    await new Promise((resolve) => first.server.close(resolve))
    await asked[0].answer
    expect(asked[1].socket.destroyed).toBe(false)
  })

  test("on a connection of a server that was closed it is 503, and does not hold it", async () => {
    const { server, port } = await serve({ upgradeMsMax: 600_000 }, () => {})
    let finish = () => {}
    server.removeAllListeners("request")
    server.on("request", (_request, response) => {
      finish = () => response.end("late")
    })
    const socket = connect(port, "127.0.0.1")
    let said = ""
    socket.on("data", (data) => {
      said += data
    })
    socket.write("GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n")
    await until(async () => (await connectionsOf(server)) === 1, "asked")
    await new Promise((resolve) => setImmediate(resolve))
    const isClosed = new Promise((resolve) => server.close(resolve))
    socket.write("GET /x HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
    finish()
    await isClosed
    await until(() => socket.destroyed || socket.readableEnded, "the end")
    expect(said).toContain("late")
  })

  test("a listener that ends it without a word leaves no socket behind", async () => {
    const { server, port } = await serve({ upgradeMsMax: 600_000 }, (_request, socket) => socket.end())
    ask(port)
    await isEmpty(server)
  })

  test("without any listener it is 404 at once", async () => {
    const { server, port } = await serve({ upgradeMsMax: 600_000 })
    server.removeAllListeners("upgrade")
    // Node emits nothing without a listener: this is a server that is given its upgrades by another one.
    const front = createServer()
    front.on("connection", () => seen.add(front))
    front.on("upgrade", (request, socket, head) => server.emit("upgrade", request, socket, head))
    await new Promise<void>((resolve) => front.listen(0, "127.0.0.1", resolve))
    later(() => front.close())
    const { answer } = ask((front.address() as AddressInfo).port)
    expect(await answer).toMatch(/^HTTP\/1\.1 404 /)
    await isEmpty(front)
    expect(port).toBeGreaterThan(0)
  })
})

describe("an upgrade that another listener answers", () => {
  test("is theirs from its first byte: Next's hot reload outlasts the deadline and is not counted", async () => {
    const wss = new WebSocketServer({ noServer: true })
    const { server, port } = await serve(
      { upgradeMsMax: 60, unansweredUpgradesPerAddressMax: 1 },
      (request, socket, head) => wss.handleUpgrade(request, socket, head, (ws) => ws.on("message", (m) => ws.send(m))),
    )
    const sockets = Array.from({ length: 5 }, () => new WebSocket(`ws://127.0.0.1:${port}/_next/hmr`))
    for (const socket of sockets) await once(socket, "open")
    await new Promise((resolve) => setTimeout(resolve, 150))
    for (const socket of sockets) {
      socket.send("still here")
      expect(String((await once(socket, "message"))[0])).toBe("still here")
      socket.close()
    }
    await isEmpty(server)
  })

  test("also when it answers late, within the deadline", async () => {
    const wss = new WebSocketServer({ noServer: true })
    const { port } = await serve({ upgradeMsMax: 2_000 }, (request, socket, head) => {
      setTimeout(() => wss.handleUpgrade(request, socket, head, (ws) => ws.send("late")), 100)
    })
    const socket = new WebSocket(`ws://127.0.0.1:${port}/_next/hmr`)
    expect(String((await once(socket, "message"))[0])).toBe("late")
    socket.terminate()
  })
})
