import { once } from "node:events"
import { request } from "node:http"
import { connect } from "node:net"
import { afterEach, describe, expect, test } from "vitest"
import { WebSocket } from "ws"
import { createLf } from "../create-lf.ts"
import { wsNetwork } from "../node/ws-network.ts"
import { cleanUp, later, mutator, startClient, startServer, type TestServer, until } from "../testing/fixture.ts"

afterEach(cleanUp)

const KEY = "dGhlIHNhbXBsZSBub25jZQ=="

/** The status that an upgrade is answered with; 101: a socket. */
async function upgrade(
  { port, path }: TestServer,
  headers: Record<string, string>,
  at = path,
): Promise<number | "cut"> {
  const sent = request({
    port,
    host: "127.0.0.1",
    path: at,
    headers: {
      connection: "Upgrade",
      upgrade: "websocket",
      "sec-websocket-version": "13",
      "sec-websocket-key": KEY,
      ...headers,
    },
  })
  sent.end()
  return await new Promise((resolve) => {
    sent.on("response", (response) => {
      response.resume()
      resolve(response.statusCode ?? 0)
    })
    sent.on("upgrade", (_response, socket) => {
      socket.destroy()
      resolve(101)
    })
    sent.on("error", () => resolve("cut"))
  })
}

describe("upgrades on the route's path", () => {
  test("the Origin is checked before the upgrade (S1)", async () => {
    const server = await startServer({ origins: ["https://web.example.com"] })
    const host = `127.0.0.1:${server.port}`
    expect(await upgrade(server, { origin: `http://${host}`, cookie: "session=7" })).toBe(101)
    expect(await upgrade(server, { origin: "https://web.example.com", cookie: "session=7" })).toBe(101)
    expect(await upgrade(server, {})).toBe(101)
    expect(await upgrade(server, { cookie: "session=7" })).toBe(403)
    expect(await upgrade(server, { origin: "https://evil.example" })).toBe(403)
    expect(await upgrade(server, { origin: "http://127.0.0.1:1" })).toBe(403)
    expect(await upgrade(server, { origin: `http://${host}`, "x-forwarded-proto": "https" })).toBe(403)
    await expect(wsNetwork(server.url, { origin: "https://evil.example" }).connect()).rejects.toMatchObject({
      code: "ORIGIN_REFUSED",
    })
  })

  test("of two Origins or two Hosts none counts (S1)", async () => {
    const { port, path } = await startServer({ origins: ["https://web.example.com"] })
    const host = `127.0.0.1:${port}`
    const ask = async (lines: readonly string[]) => {
      const socket = connect(port, "127.0.0.1")
      const more = [
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        `Sec-WebSocket-Key: ${KEY}`,
      ]
      socket.write([`GET ${path} HTTP/1.1`, ...lines, ...more, "", ""].join("\r\n"))
      const [answer] = await once(socket, "data")
      socket.destroy()
      return Number(/^HTTP\/1.1 (\d+)/.exec(String(answer))?.[1])
    }
    expect(await ask([`Host: ${host}`, "Origin: https://web.example.com"])).toBe(101)
    const evil = "Origin: https://evil.example"
    expect(await ask([`Host: ${host}`, "Origin: https://web.example.com", evil])).toBe(403)
    expect(await ask([`Host: ${host}`, evil, "Origin: https://web.example.com"])).toBe(403)
    expect(await ask([`Host: ${host}`, "Host: evil.example", `Origin: http://${host}`])).toBe(403)
    expect(await ask(["Host: evil.example", `Host: ${host}`, evil])).toBe(403)
  })

  test("a forwarded host counts when the proxy is trusted, and else not (S1)", async () => {
    const forwarded = { origin: "https://app.example.com", "x-forwarded-host": "app.example.com", cookie: "session=7" }
    const trusting = await startServer({ trustProxy: 1 })
    expect(await upgrade(trusting, forwarded)).toBe(101)
    expect(await upgrade(trusting, { ...forwarded, "x-forwarded-host": "other.example" })).toBe(403)
    expect(await upgrade(await startServer(), forwarded)).toBe(403)
  })

  test("query strings and a trailing slash are the same path; other paths are the server's own", async () => {
    const server = await startServer()
    expect(await upgrade(server, {}, `${server.path}?x=1`)).toBe(101)
    expect(await upgrade(server, {}, `${server.path}/`)).toBe(101)
    // What stands before it may be the app's basePath.
    expect(await upgrade(server, {}, `/app${server.path}`)).toBe(101)
    expect(await upgrade(server, {}, `/app${server.path}/more`)).toBe("cut")
    expect(await upgrade(server, {}, `${server.path}x`)).toBe("cut")
    expect(await upgrade(server, {}, "/")).toBe("cut")
  })

  test("what is no WebSocket is answered, not left hanging", async () => {
    const server = await startServer()
    expect(await upgrade(server, { "sec-websocket-version": "7" })).toBe(400)
    expect(await upgrade(server, { upgrade: "h2c" })).toBe(400)
  })

  test("TRACE, which Next's routes cannot handle, is 405; other paths are the server's (S16)", async () => {
    const server = await startServer()
    const trace = (path: string) =>
      new Promise<number | undefined>((resolve, reject) => {
        const sent = request({ port: server.port, host: "127.0.0.1", method: "TRACE", path })
        sent.on("response", (response) => resolve(response.resume().statusCode)).on("error", reject)
        sent.end()
      })
    expect(await trace(`${server.path}/?x=1`)).toBe(405)
    expect(await trace("/other")).toBe(200)
  })

  test("plain requests are untouched", async () => {
    const server = await startServer()
    const response = await fetch(`http://127.0.0.1:${server.port}${server.path}`)
    expect(await response.text()).toBe("plain")
  })

  test("the newest route on a path answers it", async () => {
    const server = await startServer()
    const other = await startServer({ path: `${server.path}-unused` })
    createLf({ mutator, dataDir: other.dataDir, path: server.path, authenticate: () => null, authorize: () => false })
    const { session } = await startClient(server.url)
    await until(() => session.state.error?.code === "FORBIDDEN", "the newest answered")
  })

  test("a server that closes does not wait for its sockets; another server's stay", async () => {
    const [first, second] = [await startServer(), await startServer()]
    const [a, b] = [new WebSocket(first.url), new WebSocket(second.url)]
    await Promise.all([once(a, "open"), once(b, "open")])
    first.server.close()
    const [, reason] = await once(a, "close")
    expect(String(reason)).toBe("SERVER_CLOSING")
    await new Promise((resolve) => first.server.on("close", resolve).listening || resolve(null))
    expect(b.readyState).toBe(WebSocket.OPEN)
    b.terminate()
  })

  test("after close() there are no new sockets, and those there were are gone, hello said or not", async () => {
    const server = await startServer()
    const silent = new WebSocket(server.url)
    await once(silent, "open")
    const client = await startClient(server.url)
    expect(await client.add("1").remote).toMatchObject({ type: "applied" })
    const isGone = once(silent, "close")
    await server.lf.close()
    expect(String((await isGone)[1])).toBe("SERVER_CLOSING")
    await until(() => client.session.state.status !== "connected", "the client noticed")
    expect(await upgrade(server, {})).toBe(503)
    later(() => client.session.stop())
  })
})
