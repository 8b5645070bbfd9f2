import { createServer, type RequestListener, type Server } from "node:http"
import type { AddressInfo, Socket } from "node:net"
import type { Pipe } from "@lf/core/internal"
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest"
import { WebSocket, WebSocketServer } from "ws"
import { networkContract } from "../../../../core/src/testing/network-contract.ts"
import { routeHandlersOf } from "../../../../next/src/http/route-handlers.ts"
import { WsPipe } from "../../../../next/src/node/ws-pipe.ts"
import { wsNetwork } from "./ws-network.ts"

// The browser's adapter on real sockets: `ws` has a class with the browser's interface. e2e/refusals.spec.ts runs it in Chromium.

const undos: (() => unknown)[] = []
beforeEach(() => void vi.stubGlobal("WebSocket", WebSocket))
afterEach(async () => {
  for (const undo of undos.splice(0).reverse()) await undo()
  vi.unstubAllGlobals()
})

async function serve(listener: RequestListener): Promise<{ server: Server; url: string }> {
  const server = createServer(listener)
  const sockets = new Set<Socket>()
  server.on("connection", (socket) => {
    sockets.add(socket)
    socket.on("close", () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  undos.push(() => {
    for (const socket of sockets) socket.destroy()
    return new Promise((resolve) => server.close(resolve))
  })
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/lf` } // it listens on a port
}

/** The route as Next would serve it. */
function route(options: Partial<Parameters<typeof routeHandlersOf>[0]> = {}): RequestListener {
  const handlers = routeHandlersOf({
    origins: new Set(),
    hosts: null,
    trustProxy: 0,
    trouble: async () => null,
    ...options,
  })
  return async (request, response) => {
    const { method = "GET", headers, url } = request
    const asked = new Request(`http://${headers.host}${url}`, { method, headers: headers as Record<string, string> }) // no header of these tests comes twice
    const answered = await (method === "GET" ? handlers.GET(asked) : handlers.POST(asked))
    response.writeHead(answered.status, Object.fromEntries(answered.headers))
    response.end(await answered.text())
  }
}

networkContract("browser", async () => {
  const { server, url } = await serve(route())
  const sockets = new WebSocketServer({ server })
  let arrive: (pipe: Pipe) => void = () => {}
  sockets.on("connection", (socket) => arrive(new WsPipe(socket)))
  const isDown = { now: false }
  const network = wsNetwork(url)
  return {
    network: { connect: () => (isDown.now ? wsNetwork("http://127.0.0.1:1/api/lf") : network).connect() },
    accepted: () =>
      new Promise((resolve) => {
        arrive = resolve
      }),
    async close() {
      for (const socket of sockets.clients) socket.terminate()
      sockets.close()
      isDown.now = true
    },
  }
})

describe("why there is no way to the server (H7)", () => {
  const plain =
    (status: number, body: string, type = "text/html"): RequestListener =>
    (_request, response) => {
      response.writeHead(status, { "content-type": type })
      response.end(body)
    }

  test.each<[string, RequestListener, string]>([
    ["a path without a route", plain(404, "<h1>404</h1>"), "ROUTE_MISSING"],
    ["a page in the route's place", plain(200, "<h1>Sign in</h1>"), "ROUTE_MISSING"],
    ["JSON of another server", plain(200, '{"status":"up"}', "application/json"), "ROUTE_MISSING"],
    ["a route that throws", plain(500, "Internal Server Error"), "ROUTE_FAILED"],
    ["a proxy without its server", plain(502, "Bad Gateway"), "SERVER_UNREACHABLE"],
    ["a proxy that passes no upgrade on", route(), "UPGRADE_BLOCKED"],
  ])("%s is reported with its code", async (_what, listener, code) => {
    const { url } = await serve(listener)
    await expect(wsNetwork(url).connect()).rejects.toMatchObject({ code })
  })

  test("a redirect is named with where it leads", async () => {
    const { url } = await serve((request, response) => {
      if (request.url === "/api/lf") response.writeHead(307, { location: "/login" }).end()
      else response.writeHead(200, { "content-type": "text/html" }).end("<h1>Sign in</h1>")
    })
    await expect(wsNetwork(url).connect()).rejects.toMatchObject({
      code: "ROUTE_MISSING",
      message: expect.stringContaining("/login"),
    })
  })

  test("no listener at the address: SERVER_UNREACHABLE, with the address", async () => {
    await expect(wsNetwork("http://127.0.0.1:1/api/lf").connect()).rejects.toMatchObject({
      code: "SERVER_UNREACHABLE",
      message: expect.stringContaining("127.0.0.1:1/api/lf"),
    })
  })

  test("what the health check says is what the client says", async () => {
    const owned = Object.assign(new Error("owned"), { code: "SERVER_DIRECTORY_OWNED" as const, name: "LfError" })
    const { url } = await serve(route({ trouble: async () => owned }))
    await expect(wsNetwork(url).connect()).rejects.toMatchObject({ code: "SERVER_DIRECTORY_OWNED" })
  })

  test("an Origin that the server does not take is named, with the remedy", async () => {
    const { url } = await serve(route())
    const posted = globalThis.fetch
    // Node's fetch sends no Origin; a browser does with every POST.
    vi.stubGlobal("fetch", (input: string, init: RequestInit) =>
      posted(input, { ...init, headers: init.method === "POST" ? { origin: "https://app.example" } : {} }),
    )
    await expect(wsNetwork(url).connect()).rejects.toMatchObject({
      code: "ORIGIN_REFUSED",
      message: expect.stringMatching(/https:\/\/app\.example.*createLf\(\{ origins \}\)/),
    })
  })
})
