import { readdir, readFile, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { LfError } from "@lf/core"
import { type DocumentStore, memoryPipe, type Peers, type Pipe } from "@lf/core/internal"
import { afterEach, describe, expect, test } from "vitest"
import { encodeRelay } from "../../../core/src/relay/relay-message.ts"
import {
  addTo,
  cleanUp,
  idsIn,
  later,
  mutator,
  ownedOf,
  SLOW_MS,
  startClient,
  startServer,
  temporaryDirectory,
  until,
} from "../testing/fixture.ts"
import { docDirectory } from "./document-directory.ts"
import type { RoomLimits } from "./document-opener.ts"
import { FileStore } from "./file-store.ts"
import { Rooms } from "./rooms.ts"

afterEach(cleanUp)

function open(dataDir: string, limits: Partial<RoomLimits> = {}): Rooms {
  const rooms = new Rooms({ store: new FileStore(dataDir), mutator, limits })
  later(() => rooms.close())
  return rooms
}

/** A store of files for several servers, of which this one reaches others as it says. */
function sharedStore(files: FileStore, peers: Pick<Peers, "openOrReach"> & Partial<Peers>): DocumentStore {
  return {
    name: files.name,
    peers: { listen() {}, notify() {}, address: "here", reachServer: async () => null, ...peers },
    begin: () => files.begin(),
    has: (docId) => files.has(docId),
    open: (docId) => files.open(docId),
    read: (docId) => files.read(docId),
    delete: (docId) => files.delete(docId),
    list: () => files.list(),
    close: () => files.close(),
  }
}

async function fencesOf(dataDir: string, docId: string): Promise<string[]> {
  const directory = docDirectory(dataDir, docId)
  const names = await readdir(directory)
  return names.filter((name) => name.startsWith("fence-")).map((name) => join(directory, name))
}

/** As after a code change: another object with the same migrations and mutations. */
const newBuild = Object.create(mutator) as typeof mutator

describe("rooms", () => {
  test("a server whose pipe has ended already is served nothing, and holds nothing", async () => {
    const files = new FileStore(await temporaryDirectory())
    let reach: (docId: string, pipe: Pipe) => void = () => {}
    const store = sharedStore(files, {
      openOrReach: (docId) => files.open(docId),
      listen: ({ reached }) => {
        reach = reached
      },
    })
    const rooms = new Rooms({ store, mutator, limits: { idleMs: 50 } })
    later(() => rooms.close())
    const { leave } = await rooms.enter("doc", { create: true })
    let isListened = false
    const ended: Pipe = {
      send() {},
      close() {},
      listen({ closed }) {
        isListened = true
        closed("gone")
      },
    }
    reach("doc", ended)
    await until(() => isListened, "the pipe is listened to")
    leave()
    await until(() => rooms.openCount === 0, "the room closes when it is idle")
  })

  test("a room that closes while its owner is asked is opened again, whatever the closed log answers", async () => {
    let ask = async () => {}
    class Asked extends FileStore {
      override async open(docId: string) {
        const { log, ...stored } = await super.open(docId)
        return { ...stored, log: Object.assign(log, { confirm: () => ask() }) }
      }
    }
    const rooms = new Rooms({ store: new Asked(await temporaryDirectory()), mutator })
    later(() => rooms.close())
    await addTo(rooms, "doc", "a")
    ask = async () => {
      ask = async () => {}
      rooms.adopt({ mutator: newBuild })
      throw new LfError("LOG_CLOSED", "the log was closed")
    }
    expect(await idsIn(rooms, "doc")).toEqual(["a"])
  })

  test("a document is opened once, however many come at once", async () => {
    const rooms = open(await temporaryDirectory())
    const leases = await Promise.all(Array.from({ length: 8 }, () => rooms.enter("doc", { create: true })))
    expect(new Set(leases.map(({ document }) => document)).size).toBe(1)
    for (const { leave } of leases) leave()
  })

  test("a document that is not there is DOC_NOT_FOUND and touches no disk", async () => {
    const dataDir = join(await temporaryDirectory(), "data")
    const rooms = open(dataDir)
    await expect(rooms.enter("doc", { create: false })).rejects.toMatchObject({ code: "DOC_NOT_FOUND" })
    await expect(readdir(dataDir)).rejects.toMatchObject({ code: "ENOENT" })
    await expect(rooms.enter("../doc", { create: true })).rejects.toMatchObject({ code: "DOC_ID_INVALID" })
  })

  test("ids that differ in case are two documents, also on a case-insensitive disk (S8)", async () => {
    const dataDir = await temporaryDirectory()
    const rooms = open(dataDir)
    for (const docId of ["a", "A", "Ab-_9", "ab-_9"]) await addTo(rooms, docId, docId)
    for (const docId of ["a", "A", "Ab-_9", "ab-_9"]) expect(await idsIn(rooms, docId)).toEqual([docId])
    const names = await readdir(join(dataDir, "docs"))
    expect(new Set(names.map((name) => name.toLowerCase())).size).toBe(4)
    expect(names).toContain("=41b-_9")
  })

  test("a second server on the directory is refused until the first has closed (I14)", async () => {
    const dataDir = await temporaryDirectory()
    const [first, second] = [open(dataDir), open(dataDir)]
    await addTo(first, "doc", "1")
    await expect(second.enter("doc", { create: false })).rejects.toMatchObject({ code: "SERVER_DIRECTORY_OWNED" })
    await expect(second.enter("other", { create: true })).rejects.toMatchObject({ code: "SERVER_DIRECTORY_OWNED" })
    await first.close()
    expect(await idsIn(second, "doc")).toEqual(["1"])
  })

  test("a document without clients is closed with its checkpoint, and opened again", async () => {
    const dataDir = await temporaryDirectory()
    const rooms = open(dataDir, { idleMs: 20 })
    await addTo(rooms, "doc", "1")
    await until(() => rooms.openCount === 0, "closed")
    const names = await readdir(docDirectory(dataDir, "doc"))
    expect(names.some((name) => /^main-\d+\.db$/.test(name))).toBe(true)
    expect(names.filter((name) => name.startsWith("fence-"))).toEqual([])
    await addTo(rooms, "doc", "2")
    expect(await idsIn(rooms, "doc")).toEqual(["1", "2"])
  })

  test("a document with a connection stays open; the connection's leaving ends that", async () => {
    const { url, dataDir } = await startServer({ limits: { idleMs: 20 } })
    const client = await startClient(url)
    expect(await client.add("1").remote).toMatchObject({ type: "applied" })
    expect(await fencesOf(dataDir, "doc")).toHaveLength(1)
    client.session.stop()
    await until(async () => (await fencesOf(dataDir, "doc")).length === 0, "closed")
    client.session.stop()
  })

  test("over the limit an idle document is closed; with all in use the next is RATE_LIMITED (I17)", async () => {
    const rooms = open(await temporaryDirectory(), { openRoomsMax: 2 })
    await addTo(rooms, "a", "1")
    await addTo(rooms, "b", "1")
    const [a, c] = [await rooms.enter("a", { create: true }), await rooms.enter("c", { create: true })]
    expect(rooms.openCount).toBe(2)
    await expect(rooms.enter("b", { create: true })).rejects.toMatchObject({ code: "RATE_LIMITED" })
    a.leave()
    expect(await idsIn(rooms, "b")).toEqual(["1"])
    c.leave()
  })

  test("a document whose disk fails closes its connections, and the next one reopens it (T19)", async () => {
    const dataDir = await temporaryDirectory()
    const rooms = open(dataDir)
    await addTo(rooms, "doc", "1")
    const lease = await rooms.enter("doc", { create: false })
    // As another owner does that takes over: the log refuses its next append.
    for (const fence of await fencesOf(dataDir, "doc")) await rm(fence)
    await expect(lease.document.mutate("Add", { id: "2", title: "2" }, null)).rejects.toMatchObject({
      code: "LOG_DEPOSED",
    })
    expect(ownedOf(lease).failure).toMatchObject({ code: "LOG_DEPOSED" })
    lease.leave()
    expect(await idsIn(rooms, "doc")).toEqual(["1"])
    await addTo(rooms, "doc", "3")
    expect(await idsIn(rooms, "doc")).toEqual(["1", "3"])
  })

  test("a damaged document is refused and stays as it is; others go on (I11)", async () => {
    const dataDir = await temporaryDirectory()
    const rooms = open(dataDir, { idleMs: 1 })
    await addTo(rooms, "bad", "1")
    await until(() => rooms.openCount === 0, "closed")
    const directory = docDirectory(dataDir, "bad")
    const main = (await readdir(directory)).find((name) => name.startsWith("main-")) ?? ""
    const bytes = await readFile(join(directory, main))
    bytes[5000] ^= 1
    await writeFile(join(directory, main), bytes)
    for (let i = 0; i < 2; i++) {
      await expect(rooms.enter("bad", { create: true })).rejects.toMatchObject({ code: "LOG_CORRUPT" })
    }
    expect(await readFile(join(directory, main))).toEqual(bytes)
    await addTo(rooms, "good", "1")
  })

  test("a mutator that never ends is rejected with SQL_LIMIT; its document and others go on (T12)", async () => {
    const { url } = await startServer({ limits: { mutationMsMax: 200 } })
    const [client, other] = [await startClient(url), await startClient(url, { docId: "other" })]
    const before = client.add("1")
    const endless = client.local.run("Spin", {})
    const after = client.add("2")
    expect(await endless.remote).toMatchObject({ type: "rejected", code: "SQL_LIMIT" })
    expect(await before.remote).toMatchObject({ type: "applied" })
    expect(await after.remote).toMatchObject({ type: "applied" })
    expect(await other.add("1").remote).toMatchObject({ type: "applied" })
    await until(() => client.local.pendingCount === 0, "nothing is pending")
    expect(client.titles()).toEqual(["1", "2"])
  })

  test("each mutation of a batch has its own time limit; one that never ends is stopped (T12)", async () => {
    const { url } = await startServer({ limits: { mutationMsMax: 8 * SLOW_MS } })
    const { local } = await startClient(url)
    // One alone is far below the limit, also on a busy machine; all of them are far above it.
    const slow = Array.from("123456789", (id) => local.run("Slow", { id }))
    const endless = local.run("Spin", {})
    slow.push(...Array.from("abc", (id) => local.run("Slow", { id })))
    for (const { remote } of slow) expect(await remote).toMatchObject({ type: "applied" })
    expect(await endless.remote).toMatchObject({ type: "rejected", code: "SQL_LIMIT" })
  })

  test("newer code of the app takes over: open documents are closed and opened with it", async () => {
    const rooms = open(await temporaryDirectory())
    const lease = await rooms.enter("doc", { create: true })
    const remote = ownedOf(lease)
    rooms.adopt({ mutator: Object.assign(Object.create(mutator), {}) })
    await until(() => remote.failure !== null, "closed")
    lease.leave()
    const next = await rooms.enter("doc", { create: false })
    expect(next.document).not.toBe(remote)
    next.leave()
  })

  test("a relay that ends as it begins, or while it is used, is opened again", async () => {
    const files = new FileStore(await temporaryDirectory())
    const ends: Pipe[] = []
    const isBrief = [true, false]
    const store = sharedStore(files, {
      async openOrReach(docId) {
        const brief = isBrief.shift()
        if (brief === undefined) return await files.open(docId)
        const [near, far] = memoryPipe()
        far.send(encodeRelay({ type: "ready" }))
        if (brief) far.close("gone")
        else ends.push(far)
        return near
      },
    })
    const rooms = new Rooms({ store, mutator })
    later(() => rooms.close())
    const relayed = await rooms.enter("doc", { create: true })
    expect(() => ownedOf(relayed)).toThrow("another server")
    const read = relayed.document.position()
    ends[0].close("gone")
    await expect(read).rejects.toMatchObject({ code: "DOC_STOPPED" })
    relayed.leave()
    await addTo(rooms, "doc", "1")
    expect(await idsIn(rooms, "doc")).toEqual(["1"])
  })
})
