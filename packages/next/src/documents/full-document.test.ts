import { afterEach, describe, expect, test } from "vitest"
import type { LogEvent } from "../log/log.ts"
import { cleanUp, Remove, startClient, startServer, titlesQuery, until } from "../testing/fixture.ts"

afterEach(cleanUp)

describe("V1 a full document (T36, I21)", () => {
  test("a full document refuses growth, serves reads, accepts what shrinks it, and restarts", async () => {
    const logged: LogEvent[] = []
    const options = { limits: { documentPagesMax: 64 }, log: (event: LogEvent) => void logged.push(event) }
    const first = await startServer(options)
    const writer = await startClient(first.url)
    const outcomes = []
    for (let i = 0; i < 30; i++) outcomes.push(await writer.add(`${i}`, "x".repeat(16_000)).remote)
    const codes = new Set(outcomes.map((outcome) => (outcome.type === "rejected" ? outcome.code : outcome.type)))
    expect(codes).toEqual(new Set(["applied", "DOC_TOO_LARGE"]))
    const warned = logged.filter(({ event }) => event === "document-nearly-full")
    expect(warned).toEqual([expect.objectContaining({ level: "warn", doc: "doc" })])
    expect(logged.filter(({ event }) => event === "document-stopped" || event === "mutation-failed")).toEqual([])

    const reader = await startClient(first.url)
    await until(() => reader.titles().length > 0, "a new reader gets the pages")
    const document = first.lf.document("doc", { as: "system" })
    const count = (await document.query(titlesQuery)).length
    expect(await document.mutate(Remove, { id: "0" })).toMatchObject({ type: "applied" })
    expect(await writer.local.run("Remove", { id: "1" }).remote).toMatchObject({ type: "applied" })
    expect(await writer.add("new", "x".repeat(16_000)).remote).toMatchObject({ type: "applied" })

    await first.stop()
    const again = await startServer({ ...options, dataDir: first.dataDir })
    expect(await again.lf.document("doc", { as: "system" }).query(titlesQuery)).toHaveLength(count - 1)
  })

  test("a reader's forbidden mutations cannot fill it: nothing of them is kept", async () => {
    const { url, lf, dataDir, stop } = await startServer({ authorize: ({ action }) => action !== "write" })
    await lf.document("doc", { as: "system" }).mutate(Remove, { id: "none" })
    const before = await sizeOf(dataDir)
    const reader = await startClient(url)
    const calls = Array.from({ length: 300 }, (_, i) => reader.add(`${i}`, "x".repeat(10_000)).remote)
    for (const call of calls) expect(await call).toMatchObject({ code: "MUTATION_FORBIDDEN" })
    expect(await sizeOf(dataDir)).toBe(before)
    await stop()
  })
})

async function sizeOf(dataDir: string): Promise<number> {
  const { readdir, stat } = await import("node:fs/promises")
  const directory = `${dataDir}/docs/doc`
  const sizes = (await readdir(directory)).map(async (name) => (await stat(`${directory}/${name}`)).size)
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0)
}
