import { mkdir, writeFile } from "node:fs/promises"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { dirname, join } from "node:path"
import { PROTOCOL_VERSION } from "@lf/core/internal"
import { afterEach, describe, expect, test } from "vitest"
import { Add, cleanUp, later, startServer, temporaryDirectory } from "../testing/fixture.ts"
import { examine, type Finding } from "./doctor.ts"

afterEach(cleanUp)

/** An app with all that it should have, and with `files` instead or besides. */
async function app(files: Record<string, string> = {}): Promise<string> {
  const directory = await temporaryDirectory()
  const packages = ["@lf/core", "@lf/react", "@lf/next"].map((name) => [name, "0.1.0"])
  const all = {
    ...Object.fromEntries(
      [["next", "16.4.5"], ...packages].map(([name, version]) => [
        `node_modules/${name}/package.json`,
        JSON.stringify({ version }),
      ]),
    ),
    "next.config.ts": "export default withLf({})",
    "app/api/lf/route.ts": "export const { GET, POST } = lf.handlers",
    ...files,
  }
  for (const [file, text] of Object.entries(all)) {
    await mkdir(dirname(join(directory, file)), { recursive: true })
    await writeFile(join(directory, file), text)
  }
  return directory
}

async function remediesOf(files: Record<string, string>): Promise<string[]> {
  const appDir = await app(files)
  return remedies(await examine({ appDir, dataDir: join(appDir, ".lf"), url: undefined }))
}

const remedies = (findings: readonly Finding[]) => findings.flatMap(({ remedy }) => (remedy === null ? [] : [remedy]))

describe("lf doctor", () => {
  test("finds nothing to do in a sound app at a running server", async () => {
    const { lf, url, dataDir } = await startServer()
    await lf.document("doc", { as: "system" }).mutate(Add, { id: "1", title: "one" })
    const page = url.replace(/^ws/, "http")
    const findings = await examine({ appDir: await app(), dataDir, url: page })
    // The fixture's server has no route for plain requests.
    expect(remedies(findings)).toEqual([expect.stringMatching(/without lf's answer/)])
    expect(findings.map(({ what }) => what)).toEqual([
      expect.stringMatching(/^Node /),
      "Next 16.4.5",
      "@lf/core 0.1.0, @lf/react 0.1.0, @lf/next 0.1.0",
      "next.config.ts",
      "app/api/lf/route.ts",
      expect.stringMatching(/in use by process \d+/),
      `GET ${page}`,
      expect.stringMatching(/^WebSocket ws:/),
    ])
  })

  test.each([
    ["an old Next", { "node_modules/next/package.json": '{"version":"15.4.0"}' }, /needs Next 15\.5/],
    ["two versions of lf", { "node_modules/@lf/react/package.json": '{"version":"0.2.0"}' }, /one version/],
    ["a package that is no JSON", { "node_modules/@lf/react/package.json": "" }, /not installed: @lf\/react/],
    ["no withLf", { "next.config.ts": "export default {}" }, /withLf\(config\)/],
    ["a route without handlers", { "app/api/lf/route.ts": "" }, /lf\.handlers/],
  ])("%s is named with its remedy", async (_what, files, remedy) => {
    expect(await remediesOf(files)).toEqual([expect.stringMatching(remedy)])
  })

  test("packages of a monorepo are found above the app", async () => {
    const root = await app()
    const findings = await examine({ appDir: join(root, "apps/web"), dataDir: join(root, ".lf"), url: undefined })
    expect(findings[1]).toEqual({ what: "Next 16.4.5", remedy: null })
  })

  test("an app that is not there is no crash", async () => {
    const directory = await temporaryDirectory()
    const findings = await examine({
      appDir: join(directory, "absent"),
      dataDir: join(directory, "data"),
      url: undefined,
    })
    expect(remedies(findings)).toHaveLength(4)
  })

  test("a data directory is made by the server later; one that cannot be written is named", async () => {
    const directory = await temporaryDirectory()
    const look = async (dataDir: string) =>
      (await examine({ appDir: await app(), dataDir, url: undefined })).find(({ what }) => what.startsWith("data in"))
    expect(await look(join(directory, "a/b"))).toEqual({
      what: expect.stringMatching(/which the server makes$/),
      remedy: null,
    })
    await writeFile(join(directory, "file"), "")
    expect((await look(join(directory, "file")))?.remedy).toMatch(/cannot be written/)
  })

  test.each([
    ["no server", 0, "", /no answer/],
    ["another page", 200, "<html>", /answered 200 without lf's answer/],
    [
      "a server that cannot serve",
      503,
      '{"ok":false,"code":"SERVER_DIRECTORY_OWNED","message":"m"}',
      /^SERVER_DIRECTORY_OWNED: m/,
    ],
    ["another protocol", 200, '{"ok":true,"protocol":1}', /protocol 1/],
  ])("%s is said in a sentence", async (_what, status, body, remedy) => {
    const server = createServer((_request, response) => response.writeHead(status).end(body))
    // What a proxy does that does not pass upgrades on.
    server.on("upgrade", (_request, socket) => socket.end("HTTP/1.1 426 Upgrade Required\r\n\r\n"))
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
    const { port } = server.address() as AddressInfo
    const close = () => new Promise((resolve) => server.close(resolve))
    if (status === 0) await close()
    else later(close)
    const findings = await examine({ appDir: await app(), dataDir: "/nowhere", url: `http://127.0.0.1:${port}` })
    const [health, socket] = findings.slice(-2)
    expect(health.remedy).toMatch(remedy)
    expect(socket.remedy).toMatch(status === 0 ? /no WebSocket/ : /Upgrade and Connection/)
  })

  test("a healthy answer of this protocol is fine", async () => {
    const body = JSON.stringify({ ok: true, protocol: PROTOCOL_VERSION })
    const server = createServer((_request, response) => response.end(body))
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
    later(() => new Promise((resolve) => server.close(resolve)))
    const { port } = server.address() as AddressInfo
    const findings = await examine({ appDir: await app(), dataDir: "/nowhere", url: `http://127.0.0.1:${port}/sync` })
    expect(findings.at(-2)).toEqual({ what: `GET http://127.0.0.1:${port}/sync`, remedy: null })
  })

  test("what is no address is said", async () => {
    const findings = await examine({ appDir: await app(), dataDir: "/nowhere", url: "app.example.com" })
    expect(findings.at(-1)?.remedy).toMatch(/https:\/\/app\.example\.com/)
  })
})
