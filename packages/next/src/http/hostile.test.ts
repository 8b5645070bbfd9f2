import { lsn } from "@lf/core/internal"
import { afterEach, describe, expect, test } from "vitest"
import { ByteWriter } from "../../../core/src/base/bytes.ts"
import type { Message } from "../../../core/src/network/message.ts"
import { mutationCodec } from "../../../core/src/timeline/mutation.ts"
import { cleanUp, startClient, startServer, titlesQuery } from "../testing/fixture.ts"
import { rawClient } from "../testing/raw.ts"

afterEach(cleanUp)

const uid = "00000000-0000-7000-8000-000000000001"
const LIST = 9
const OBJECT = 10
const TEXT = 7

const add = (args: unknown) => mutationCodec.encode({ uid, name: "Add", args, at: 1 })
/** An entry whose arguments were written by hand. */
function written(args: (writer: ByteWriter) => unknown, name = "Add"): Uint8Array {
  const writer = new ByteWriter(64).u8(1).text(uid).f64(1).text(name)
  args(writer)
  return writer.finish()
}
function deep(writer: ByteWriter, levels: number): void {
  for (let i = 0; i < levels; i++) writer.u8(LIST).uint(1)
  writer.u8(0)
}
const called = (name: string) => mutationCodec.encode({ uid, name, args: {}, at: 1 })
const polluted = (key: string) =>
  written((writer) => {
    writer.u8(OBJECT).uint(3)
    writer.text("id").u8(TEXT).text("x").text("title").u8(TEXT).text("x")
    writer.text(key).u8(OBJECT).uint(1).text("polluted").u8(TEXT).text("yes")
  })

describe("hostile arguments are rejections, never a crash (S5)", () => {
  test.each<[string, Uint8Array, string | null]>([
    ["another type", add({ id: 1, title: [] }), "MUTATION_ARGS_INVALID"],
    ["nothing", add(null), "MUTATION_ARGS_INVALID"],
    ["a list for an object", add(["id", "title"]), "MUTATION_ARGS_INVALID"],
    ["deeper than may be", written((writer) => deep(writer, 40)), "BYTES_MALFORMED"],
    ["a thousand levels deep", written((writer) => deep(writer, 1_000)), "BYTES_MALFORMED"],
    ["a list that claims more items than it has", written((w) => w.u8(LIST).uint(2 ** 40)), "BYTES_MALFORMED"],
    ["a text that claims more bytes than it has", written((w) => w.u8(TEXT).uint(2 ** 40)), "BYTES_MALFORMED"],
    ["an object that has only inherited what is asked for", polluted("__proto__"), null],
    ["a constructor", polluted("constructor"), null],
    ["half an entry", add({ id: "1", title: "1" }).slice(0, 50), "BYTES_MALFORMED"],
  ])("%s", async (_name, entry, code) => {
    const { url, lf } = await startServer()
    const raw = await rawClient(url)
    raw.hello()
    await raw.receives("welcome")
    raw.push([entry, add({ id: "good", title: "good" })])
    expect(await raw.receives("cursor")).toMatchObject({ lsn: 2 })
    raw.ask()
    const { outcomes } = await raw.receives("chunk")
    expect(outcomes.map((outcome) => outcome.code)).toEqual(code === null ? [] : [code])
    const titles = (await lf.document("doc", { as: "system" }).query(titlesQuery)).map(({ title }) => title)
    expect(titles).toEqual(code === null ? ["good", "x"] : ["good"])
    expect(Object.hasOwn(Object.prototype, "polluted")).toBe(false)
    expect(({} as Record<string, unknown>).polluted).toBe(undefined)
  })

  test.each<[string, Uint8Array, string]>([
    ["a mutation named like a method", called("toString"), "MUTATION_UNKNOWN"],
    ["a mutation named __proto__", called("__proto__"), "MUTATION_UNKNOWN"],
    ["no bytes", new Uint8Array(0), "BYTES_MALFORMED"],
    ["more than 256 KiB", written((writer) => writer.u8(TEXT).text("x".repeat(300 * 1024))), "BYTES_MALFORMED"],
  ])("%s is refused without a trace, and the client goes on under another id (S21)", async (_name, entry, code) => {
    const { url, lf } = await startServer()
    const good = add({ id: "good", title: "good" })
    const [raw, other] = [await rawClient(url), await rawClient(url)]
    raw.hello()
    other.hello({ secret: new Uint8Array(32).fill(8) })
    await Promise.all([raw.receives("welcome"), other.receives("welcome")])
    raw.push([entry, good])
    expect(await raw.receives("refused")).toEqual({ type: "refused", common: 0, ranges: [{ from: 0, to: 1, code }] })
    other.push([good])
    await other.receives("cursor")
    expect(await lf.document("doc", { as: "system" }).query(titlesQuery)).toEqual([{ title: "good" }])
  })
})

describe("what a server does not take closes with a code, and changes nothing (S14, S15)", () => {
  const changeset = { pageCount: 1, isWhole: true, before: null, after: 0n, pages: [] }
  test.each<[string, Message]>([
    [
      "a chunk",
      {
        ...{ type: "chunk", from: lsn(0), to: lsn(9), pageCount: 1, checksum: 0n, isLast: true, bytesTotal: 1 },
        ...{ pageNo: 1, count: 1, block: new Uint8Array(4096), outcomes: [] },
      },
    ],
    ["pages", { type: "pages", from: lsn(0), to: lsn(9), isLast: true, bytesTotal: 1, changeset, outcomes: [] }],
    [
      "a welcome",
      {
        type: "welcome",
        epoch: "",
        clientLsn: lsn(0),
        clientHash: 0n,
        lsn: lsn(0),
        checksum: 0n,
        schema: [],
        user: null,
      },
    ],
    ["a cursor", { type: "cursor", lsn: lsn(1) }],
    ["a refusal", { type: "refuse", code: "FORBIDDEN", message: "no" }],
    ["a pong", { type: "pong" }],
  ])("%s", async (_name, message) => {
    const { url } = await startServer()
    const client = await startClient(url)
    expect(await client.add("1").remote).toMatchObject({ type: "applied" })
    const raw = await rawClient(url)
    raw.hello()
    await raw.receives("welcome")
    raw.send(message)
    expect(await raw.closed).toBe("FRAME_MALFORMED")
    expect(await client.add("2").remote).toMatchObject({ type: "applied" })
    expect(client.titles()).toEqual(["1", "2"])
  })

  test("a second hello", async () => {
    const { url } = await startServer()
    const raw = await rawClient(url)
    raw.hello()
    await raw.receives("welcome")
    raw.hello({ docId: "other" })
    expect(await raw.closed).toBe("FRAME_MALFORMED")
  })
})
