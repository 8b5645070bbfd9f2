// What the app's servers answer before any page runs: headers, methods, hosts, upgrades, signals.
import { once } from "node:events"
import { readdirSync } from "node:fs"
import { METHODS } from "node:http"
import { connect } from "node:net"
import { join } from "node:path"
import { expect } from "@playwright/test"
import { type Mode, Server } from "./server.ts"
import { soak, soakUnless, test } from "./test.ts"
import { newListUrl, TodoPage } from "./todo-page.ts"

/** What comes back on a connection until it ends. */
async function answerTo(port: number, request: string): Promise<string> {
  const socket = connect({ port, host: "localhost", allowHalfOpen: true })
  let said = ""
  socket.on("data", (data) => {
    said += data
  })
  socket.write(request)
  await once(socket, "end")
  socket.destroy()
  return said
}

const upgrade = (port: number, path: string, host = `localhost:${port}`) =>
  answerTo(
    port,
    `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nOrigin: http://${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
  )

for (const mode of ["custom", "start"] satisfies Mode[]) {
  test(
    `under ${mode} pages have policies, sw.js is not cached, no method throws (S13)`,
    soakUnless(mode === "custom"),
    async () => {
      await using server = await Server.start(mode)
      for (const path of ["/", "/lists", "/l/x", "/serwist/sw.js", "/nowhere"]) {
        const { headers } = await fetch(`${server.url}${path}`)
        expect(headers.get("content-security-policy")).toContain(
          "script-src 'self' 'unsafe-inline' 'wasm-unsafe-eval';",
        )
        expect(headers.get("content-security-policy")).toContain("frame-ancestors 'none'")
        expect(headers.get("x-content-type-options")).toBe("nosniff")
        expect(headers.get("referrer-policy")).toBe("same-origin")
      }
      const script = await fetch(`${server.url}/serwist/sw.js`)
      expect(script.headers.get("cache-control")).toBe("public, max-age=0, must-revalidate")
      for (const method of METHODS.filter((name) => name !== "CONNECT")) {
        for (const path of ["/api/lf", "/"]) {
          const request = `${method} ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`
          const [, status] = /^HTTP\/1.1 (\d+)/.exec(await answerTo(server.port, request)) ?? []
          expect(`${method} ${path}: ${status}`).toMatch(/: (200|204|400|405|426)$/)
        }
      }
      expect(await upgrade(server.port, "/api/lf", "evil.example")).toMatch(/^HTTP\/1.1 403 /)
      expect(await upgrade(server.port, "/unclaimed")).toMatch(/^HTTP\/1.1 404 /)
      expect(server.output).not.toMatch(/Error|\n\s+at /)
    },
  )
}

test("next start leaves a checkpoint of each document on SIGTERM (I12)", soak, async ({ browser }) => {
  await using server = await Server.start("start")
  const url = newListUrl(server.url)
  const todo = await TodoPage.open(await (await browser.newContext()).newPage(), url)
  await todo.add("kept")
  await todo.isSynced()
  await server.stop("SIGTERM")
  const docs = join(server.dataDir, "docs")
  const files = readdirSync(docs).flatMap((name) => readdirSync(join(docs, name)))
  expect(files.filter((name) => /^main-\d+\.db$/.test(name))).toHaveLength(1)
  expect(server.output).toContain("lf: info stopping detail=SIGTERM")
})
