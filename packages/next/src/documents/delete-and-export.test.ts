import { readdir, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { isLfError, sql } from "@lf/core"
import { DocumentAtRest } from "@lf/core/internal"
import { afterEach, describe, expect, test } from "vitest"
import { loadSqlite } from "../node/load-sqlite.ts"
import { Add, cleanUp, startClient, startServer, temporaryDirectory, titlesQuery, until } from "../testing/fixture.ts"
import { exportDocument } from "./export.ts"
import { FileStore } from "./file-store.ts"

afterEach(cleanUp)

const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => "done",
    (error: unknown) => (isLfError(error) ? error.code : error),
  )

function pagesOf(bytes: Uint8Array): Uint8Array[] {
  return Array.from({ length: bytes.length / 4096 }, (_, i) => bytes.slice(i * 4096, (i + 1) * 4096))
}

async function namesIn(bytes: Uint8Array): Promise<string[]> {
  const document = new DocumentAtRest(await loadSqlite(), pagesOf(bytes))
  const rows = document.query(sql<{ name: string }>`select name from sqlite_schema order by name`)
  document.close()
  return rows.map(({ name }) => name)
}

describe("delete", () => {
  test("ends open connections with DOC_DELETED, and a client of before joins the next document", async () => {
    const { lf, url, dataDir } = await startServer()
    const client = await startClient(url, { docId: "d" })
    await client.add("1").remote
    const { epoch } = client.local
    await lf.document("d", { as: "system" }).delete()
    await until(() => client.session.state.error?.code === "DOC_DELETED", "the client knows")
    expect(client.session.state.status).toBe("error")
    expect(await readdir(join(dataDir, "docs"))).toEqual([])
    expect(await lf.documents()).toEqual([])
    const document = lf.document("d", { as: "system" })
    expect(await codeOf(document.query(titlesQuery))).toBe("DOC_NOT_FOUND")
    await document.mutate(Add, { id: "2", title: "new" })
    client.session.poke()
    await until(() => client.titles().join() === "new", "the client has the new document")
    expect(client.local.epoch).not.toBe(epoch)
  })

  test("of a document that is not open, twice and meanwhile used: the second finds none", async () => {
    const { lf, dataDir, stop } = await startServer()
    await lf.document("d", { as: "system" }).mutate(Add, { id: "1", title: "one" })
    await stop()
    await writeFile(join(dataDir, "docs", "other.deleted-1"), "left by a crash")
    const again = await startServer({ dataDir })
    const document = again.lf.document("d", { as: "system" })
    const codes = await Promise.all([document.delete(), document.query(titlesQuery), document.delete()].map(codeOf))
    expect(codes).toEqual(["done", "DOC_NOT_FOUND", "DOC_NOT_FOUND"])
    expect(await readdir(join(dataDir, "docs"))).toEqual([])
  })

  test("of an open document, three times at once: one deletes it", async () => {
    const { lf, dataDir } = await startServer()
    const document = lf.document("d", { as: "system" })
    await document.mutate(Add, { id: "1", title: "one" })
    const codes = await Promise.all([document.delete(), document.delete(), document.delete()].map(codeOf))
    expect(codes).toEqual(["done", "DOC_NOT_FOUND", "DOC_NOT_FOUND"])
    expect(await readdir(join(dataDir, "docs"))).toEqual([])
  })

  test("is the system's alone, and of a document that is there", async () => {
    const { lf } = await startServer()
    await lf.document("d", { as: "system" }).mutate(Add, { id: "1", title: "one" })
    expect(await codeOf(lf.document("d", { as: { id: "ada" } }).delete())).toBe("FORBIDDEN")
    expect(await codeOf(lf.document("none", { as: "system" }).delete())).toBe("DOC_NOT_FOUND")
    expect(await codeOf(lf.document("../d", { as: "system" }).delete())).toBe("DOC_ID_INVALID")
    expect((await lf.documents()).map(({ docId }) => docId)).toEqual(["d"])
    await lf.close()
    expect(await codeOf(lf.document("d", { as: "system" }).delete())).toBe("SERVER_CLOSING")
  })
})

describe("export", () => {
  test("has the app's tables and rows, and none of ours; the document stays as it is", async () => {
    const { lf, dataDir } = await startServer()
    const document = lf.document("d", { as: "system" })
    await document.mutate(Add, { id: "1", title: "one" })
    const bytes = await document.export()
    expect(await namesIn(bytes)).toEqual(["todos"])
    const copy = new DocumentAtRest(await loadSqlite(), pagesOf(bytes))
    expect(copy.query(titlesQuery)).toEqual([{ title: "one" }])
    copy.close()
    const file = join(await temporaryDirectory(), "d.db")
    expect(await exportDocument({ from: new FileStore(dataDir), docId: "d", file })).toEqual({
      pageCount: bytes.length / 4096,
    })
    expect(await codeOf(exportDocument({ from: new FileStore(dataDir), docId: "d", file }))).toBe("BACKUP_EXISTS")
    await exportDocument({ from: new FileStore(dataDir), docId: "d", file, existing: "replace" })
    expect(await document.mutate(Add, { id: "2", title: "two" })).toMatchObject({ type: "applied" })
  })

  test("needs the right to read, and a document that is there", async () => {
    const { lf, dataDir } = await startServer({ authorize: ({ principal }) => principal?.id === "ada" })
    await lf.document("d", { as: "system" }).mutate(Add, { id: "1", title: "one" })
    expect(await codeOf(lf.document("d", { as: { id: "bob" } }).export())).toBe("FORBIDDEN")
    expect(await codeOf(lf.document("d", { as: { id: "ada" } }).export())).toBe("done")
    expect(await codeOf(lf.document("none", { as: "system" }).export())).toBe("DOC_NOT_FOUND")
    const file = join(await temporaryDirectory(), "none.db")
    expect(await codeOf(exportDocument({ from: new FileStore(dataDir), docId: "none", file }))).toBe("DOC_NOT_FOUND")
  })
})
