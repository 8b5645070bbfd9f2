import { readdir } from "node:fs/promises"
import { join } from "node:path"
import { afterEach, expect, test } from "vitest"
import { cleanUp, startServer, type TestServer } from "../testing/fixture.ts"
import { rawClient } from "../testing/raw.ts"

afterEach(cleanUp)

async function open({ url }: TestServer, docId: string, { token = "", address = "1.1.1.1" } = {}): Promise<string> {
  const raw = await rawClient(url, { headers: { "x-forwarded-for": address } })
  raw.hello({ docId, token, secret: crypto.getRandomValues(new Uint8Array(32)) })
  const answer = await raw.receives("welcome").then(
    () => "welcome",
    () => raw.closed,
  )
  raw.socket.terminate()
  return answer
}

test("createsPerPrincipalPerHour limits creates per user, or per address without one (S7)", async () => {
  const server = await startServer({ trustProxy: 1, limits: { createsPerPrincipalPerHour: 3 } })
  for (const id of ["a", "b", "c"]) expect(await open(server, id, { token: "ann" })).toBe("welcome")
  expect(await open(server, "d", { token: "ann" })).toBe("RATE_LIMITED")
  // From another address it is the same user; what is there already costs nothing; others have their own.
  expect(await open(server, "e", { token: "ann", address: "2.2.2.2" })).toBe("RATE_LIMITED")
  for (const id of ["a", "b", "c"]) expect(await open(server, id, { token: "ann" })).toBe("welcome")
  expect(await open(server, "f", { token: "bo" })).toBe("welcome")
  for (const id of ["x", "y", "z"]) expect(await open(server, id)).toBe("welcome")
  expect(await open(server, "w")).toBe("RATE_LIMITED")
  expect(await open(server, "w", { address: "2.2.2.2" })).toBe("welcome")
  expect((await readdir(join(server.dataDir, "docs"))).sort()).toEqual(["a", "b", "c", "f", "w", "x", "y", "z"])
})

test("a document that authorize refuses to create costs its connection nothing (S7)", async () => {
  const server = await startServer({
    trustProxy: 1,
    limits: { createsPerPrincipalPerHour: 1 },
    authorize: ({ doc, action }) => action !== "create" || doc === "mine",
  })
  for (let i = 0; i < 3; i++) expect(await open(server, "other")).toBe("FORBIDDEN")
  expect(await open(server, "mine")).toBe("welcome")
})
