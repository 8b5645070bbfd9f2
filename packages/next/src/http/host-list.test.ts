import { once } from "node:events"
import { connect } from "node:net"
import { afterEach, describe, expect, test, vi } from "vitest"
import { createLf } from "../create-lf.ts"
import { cleanUp, mutator, startServer, type TestServer } from "../testing/fixture.ts"
import { checkHosts, type HostRequest, type HostRules, isHostAllowed } from "./host-list.ts"

afterEach(async () => {
  await cleanUp()
  vi.unstubAllEnvs()
  vi.restoreAllMocks()
})

const unset: HostRules = {
  hosts: null,
  originHosts: new Set(["web.example.com"]),
  trustProxy: 0,
  isProduction: true,
}
const from = (host: string | undefined, remoteAddress: string | undefined, isForwarded = false): HostRequest => ({
  host,
  remoteAddress,
  isForwarded,
})

describe("without hosts (S24)", () => {
  test.each([
    "localhost:3000",
    "LOCALHOST",
    "app.localhost:3000",
    "localhost.",
    "127.0.0.1:3000",
    "[::1]:3000",
    "192.168.1.5",
    "2130706433",
    "web.example.com",
    undefined,
  ])("a browser on this machine may ask for %s", (host) => {
    expect(isHostAllowed(from(host, "127.0.0.1"), unset)).toBe(true)
    expect(isHostAllowed(from(host, "::1"), unset)).toBe(true)
  })

  test.each([
    "evil.example:3000",
    "localhost.evil.example",
    "evil-localhost",
    "127.0.0.1.evil.example",
    "",
    "a b",
    "[::1",
  ])("a name that was pointed at this machine is refused: %s", (host) => {
    for (const address of ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"]) {
      expect(isHostAllowed(from(host, address), unset)).toBe(false)
    }
  })

  test("in development also from this network, in production not: a proxy may stand there", () => {
    for (const address of ["192.168.1.7", "10.1.2.3", "172.20.0.2", "::ffff:192.168.1.7", "fe80::1%eth0", "fd00::1"]) {
      expect(isHostAllowed(from("evil.example", address), { ...unset, isProduction: false })).toBe(false)
      expect(isHostAllowed(from("evil.example", address), unset)).toBe(true)
      expect(isHostAllowed(from("192.168.1.2:3000", address), { ...unset, isProduction: false })).toBe(true)
    }
  })

  test("a request by proxy, from elsewhere or on a Unix socket may have any host", () => {
    expect(isHostAllowed(from("app.example.com", "127.0.0.1", true), unset)).toBe(true)
    expect(isHostAllowed(from("app.example.com", "127.0.0.1"), { ...unset, trustProxy: 1 })).toBe(true)
    expect(isHostAllowed(from("app.example.com", "203.0.113.7"), unset)).toBe(true)
    expect(isHostAllowed(from("app.example.com", undefined), unset)).toBe(true)
  })
})

test("with hosts set, exactly those are allowed from anywhere; a listed port must match (S24)", () => {
  const rules = { ...unset, hosts: checkHosts(["app.example.com", "admin.example.com:8443", "[::1]"]) }
  for (const host of [
    "app.example.com",
    "app.example.com:443",
    "APP.example.com:1",
    "admin.example.com:8443",
    "[::1]:80",
  ]) {
    expect(isHostAllowed(from(host, "203.0.113.7", true), rules)).toBe(true)
  }
  for (const host of ["example.com", "admin.example.com", "localhost", "127.0.0.1", "x.app.example.com", undefined]) {
    expect(isHostAllowed(from(host, "127.0.0.1"), rules)).toBe(false)
  }
})

test.each(["https://app.example.com", "app.example.com/", "*.example.com", "App.example.com", "", "a b", "a@b"])(
  "%j is no host, and is refused when the server starts (S24)",
  (host) => {
    expect(() => createLf({ mutator, hosts: [host], authenticate: () => null, authorize: () => true })).toThrow(
      TypeError,
    )
  },
)

/** The status of an upgrade with this Host, as a page at that host would send it. */
async function upgrade({ port, path }: TestServer, host: string, more = ""): Promise<number> {
  const socket = connect(port, "127.0.0.1")
  const key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13"
  socket.write(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\nOrigin: http://${host}\r\n${more}`)
  socket.write(`Connection: Upgrade\r\nUpgrade: websocket\r\n${key}\r\n\r\n`)
  const [answer] = await once(socket, "data")
  socket.destroy()
  return Number(/^HTTP\/1.1 (\d+)/.exec(String(answer))?.[1])
}

describe("an upgrade (S24)", () => {
  test.each(["development", "production"])("of a rebound name is 403 under %s, said once in the log", async (mode) => {
    vi.stubEnv("NODE_ENV", mode)
    const said = vi.spyOn(process.stderr, "write").mockReturnValue(true)
    const server = await startServer()
    expect(await upgrade(server, `localhost:${server.port}`)).toBe(101)
    expect(await upgrade(server, `127.0.0.1:${server.port}`)).toBe(101)
    for (let i = 0; i < 2; i++) expect(await upgrade(server, `evil.example:${server.port}`)).toBe(403)
    expect(await upgrade(server, "app.example.com", "X-Forwarded-Proto: http\r\n")).toBe(101)
    const lines = said.mock.calls.map(([line]) => String(line)).filter((line) => line.includes("host-refused"))
    expect(lines.join()).not.toContain("evil")
    expect(lines.length).toBeLessThanOrEqual(1)
  })

  test("and a request of a host that is not listed are 403, with the remedy for the request", async () => {
    const server = await startServer({ hosts: ["app.example.com"] })
    expect(await upgrade(server, "app.example.com")).toBe(101)
    expect(await upgrade(server, `localhost:${server.port}`)).toBe(403)
    const { GET, POST } = server.lf.handlers
    for (const ask of [GET, POST]) {
      const refused = await ask(new Request("http://x/api/lf", { headers: { host: "evil.example" } }))
      expect(refused.status).toBe(403)
      expect(await refused.json()).toEqual({
        code: "ORIGIN_REFUSED",
        message: expect.stringContaining("createLf({ hosts })"),
      })
    }
    const headers = { host: "app.example.com", origin: "http://app.example.com" }
    expect((await GET(new Request("http://x/api/lf", { headers }))).status).toBe(200)
    expect((await POST(new Request("http://x/api/lf", { headers }))).status).toBe(426)
  })
})
