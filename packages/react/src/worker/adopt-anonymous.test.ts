import { defineMutation, defineMutator, Reject, sql } from "@lf/core"
import { loadChecksum, lsn, MemoryDisk, MemoryNetwork, Remote } from "@lf/core/internal"
import { IDBFactory } from "fake-indexeddb"
import { afterEach, beforeAll, describe, expect, test, vi } from "vitest"
import { z } from "zod"
import { ClientConnection } from "../../../core/src/remote/client-connection.ts"
import { admission } from "../../../core/src/testing/admit.ts"
import { browserHost as host } from "../platform/browser/browser-host.ts"
import type { BrowserStorage } from "../platform/browser/browser-storage.ts"
import { openBrowserLog } from "../platform/browser/idb-log.ts"
import { deleteBrowserLog, hasBrowserLog, moveBrowserLog, movedMsOf } from "../platform/browser/stored-logs.ts"
import { loadSqliteAnywhere } from "../platform/memory/load-sqlite.ts"
import { MemoryLocks } from "../platform/memory/memory-locks.ts"
import type { Platform } from "../platform/port.ts"
import { OpenDocument } from "./open-document.ts"

beforeAll(loadChecksum)

const Note = defineMutation("Note", z.object({ text: z.string() }), (tx, { text }) => {
  if (text.startsWith("bad") && tx.side === "remote") throw new Reject("not-welcome", { text })
  tx.run(sql`insert into notes (text, author) values (${text}, ${tx.user})`)
})
const mutator = defineMutator({
  migrations: [sql`create table notes (text text not null, author text) strict`],
  mutations: [Note],
})
const notes = sql<{ text: string; author: string | null }>`select text, author from notes order by rowid`

/** A server that takes every connection for `user`, as one that goes by cookies does. */
class Server {
  user: string | null = null
  remote: Remote | null = null
  readonly network = new MemoryNetwork((pipe) => {
    const admit = () => {
      if (this.remote === null) throw new Error("down")
      return { remote: this.remote, user: this.user }
    }
    new ClientConnection({ pipe, host, admission: admission(admit) })
  })

  async start(): Promise<void> {
    this.remote = await Remote.recover({
      opened: await new MemoryDisk().open("d"),
      loadSqlite: loadSqliteAnywhere,
      mutator,
      host,
    })
    this.network.setOnline(true)
  }

  signIn(user: string | null): void {
    this.network.setOnline(false)
    this.user = user
    this.network.setOnline(true)
  }

  rows(): string[] {
    return (this.remote?.query(notes) ?? []).map(({ text, author }) => `${text} by ${author}`)
  }
}

/** One browser profile. */
class Device {
  readonly server: Server
  readonly storage: BrowserStorage = {
    indexedDB: new IDBFactory(),
    files: async () => null,
    removeFiles: async () => {},
    isPrivate: async () => false,
  }
  #locks = new MemoryLocks()
  #open: OpenDocument[] = []
  change: (platform: Platform) => Platform = (platform) => platform

  constructor(server: Server) {
    this.server = server
  }

  open(user: string | null): OpenDocument {
    const { storage } = this
    const locks = this.#locks
    const document = new OpenDocument({
      doc: "d",
      user,
      url: "http://localhost/api/lf",
      mutator,
      crashed: new Set(),
      platform: this.change({
        host,
        loadSqlite: loadSqliteAnywhere,
        openLog: (key) => openBrowserLog({ key, storage }),
        deleteLog: (key) => deleteBrowserLog(key, storage),
        hasLog: (key) => hasBrowserLog(key, storage),
        moveLog: (from, to) => moveBrowserLog(from, to, storage),
        movedMs: (key) => movedMsOf(key, storage),
        storedKeys: () => Promise.reject(new Error("no test lists them")),
        readRecords: () => Promise.reject(new Error("no test reads one that is not open")),
        network: () => this.server.network,
        own: (name) => locks.own(name),
        ownWhenFree: (name, signal) => locks.own(name, signal),
        holdLivenessLock: async () => null,
        watchLivenessLock: () => () => {},
      }),
      token: async () => null,
      onState: () => {},
      onRejection: () => {},
      onOpened: () => {},
      onCleared: () => {},
      onFailed: () => {},
      onReplaced: () => {},
    })
    this.#open.push(document)
    return document
  }

  /** A kill: the worker is gone without a message, its locks are free, what was durable is there. */
  kill(): void {
    this.#locks = new MemoryLocks()
    this.change = (platform) => platform
  }

  async close(): Promise<void> {
    for (const document of this.#open.splice(0)) await document.close().catch(() => {})
  }
}

async function note(document: OpenDocument, ...texts: string[]): Promise<void> {
  const local = await document.local
  for (const text of texts) await local.run("Note", { text }).durable
}

async function seen(document: OpenDocument): Promise<string[]> {
  return (await document.local).query(notes).map(({ text, author }) => `${text} by ${author}`)
}

async function until(holds: () => unknown): Promise<void> {
  await vi.waitFor(() => expect(holds()).toBe(true), { timeout: 10_000, interval: 5 })
}

const devices: Device[] = []
function device(server: Server): Device {
  const made = new Device(server)
  devices.push(made)
  return made
}
afterEach(async () => {
  for (const one of devices.splice(0)) await one.close()
})

/** A new device without a server, on which `user` wrote `texts`. */
async function writtenOffline(user: string | null, ...texts: string[]) {
  const server = new Server()
  server.network.setOnline(false)
  const phone = device(server)
  const document = phone.open(user)
  await note(document, ...texts)
  return { server, phone, document }
}

/** A device on which ann has a log of her own, which is synced, and `texts` are pending in the anonymous log. The network is off. */
async function deviceOfBoth(server: Server, ...texts: string[]): Promise<Device> {
  server.user = "ann"
  await server.start()
  const phone = device(server)
  const ann = phone.open("ann")
  await note(ann, "mine")
  await until(() => ann.pendingCount === 0)
  await ann.close()
  server.network.setOnline(false)
  const anonymous = phone.open(null)
  await note(anonymous, ...texts)
  await anonymous.close()
  return phone
}

describe("a user who signs in adopts the anonymous log (T26)", () => {
  test("a user without a log adopts the anonymous one, also offline; it arrives once (T26)", async () => {
    const { server, phone, document: anonymous } = await writtenOffline(null, "one", "two")
    await anonymous.close()
    const ann = phone.open("ann")
    expect(await seen(ann)).toEqual(["one by ann", "two by ann"])
    expect(ann.pendingCount).toBe(2)
    server.user = "ann"
    await server.start()
    ann.poke()
    await until(() => ann.pendingCount === 0 && server.rows().length === 2)
    expect(server.rows()).toEqual(["one by ann", "two by ann"])
    await ann.close()
    const again = phone.open(null)
    expect((await again.local).pendingCount).toBe(0)
  })

  test("a user with a log gets the anonymous one as a second, removed when all is sent (T26)", async () => {
    const server = new Server()
    const phone = await deviceOfBoth(server, "one", "two")
    const ann = phone.open("ann")
    await until(() => ann.pendingCount === 2)
    expect([...ann.pendingParts().claimed, ...ann.pendingParts().after(lsn(0))].map(({ args }) => args)).toEqual([
      { text: "one" },
      { text: "two" },
    ])
    server.network.setOnline(true)
    ann.poke()
    await until(() => ann.pendingCount === 0 && server.rows().length === 3)
    expect(server.rows()).toEqual(["mine by ann", "one by ann", "two by ann"])
    const names = async () => (await phone.storage.indexedDB?.databases())?.map(({ name }) => name) ?? []
    await vi.waitFor(async () => expect((await names()).some((name) => name?.includes("anonymous"))).toBe(false))
  })

  test("rejections of an adopted log are reported once, also after a kill (T26, I10)", async () => {
    const server = new Server()
    const phone = await deviceOfBoth(server, "bad", "good")
    server.network.setOnline(true)
    let deletions = 0
    phone.change = (platform) => ({
      ...platform,
      deleteLog: async () => {
        deletions++
        throw new Error("killed")
      },
    })
    const killed = phone.open("ann")
    await until(() => deletions === 1)
    expect(killed.rejections).toMatchObject([{ code: "not-welcome", args: { text: "bad" } }])
    await (await killed.local).dismiss(killed.rejections[0].uid)
    phone.kill()
    const ann = phone.open("ann")
    await ann.local
    // Granted when the claim has looked for more.
    await phone.open(null).local
    await until(() => ann.pendingCount === 0)
    expect(ann.rejections).toEqual([])
    expect(server.rows()).toEqual(["mine by ann", "good by ann"])
  })

  test("clear counts what is claimed as pending, and takes it along (T26)", async () => {
    const { phone, document: first } = await writtenOffline("ann", "mine")
    await first.close()
    const anonymous = phone.open(null)
    await note(anonymous, "one")
    await anonymous.close()
    const ann = phone.open("ann")
    await until(() => ann.pendingCount === 2)
    await expect(ann.clear("refuse")).rejects.toMatchObject({ code: "PENDING_REFUSED" })
    await ann.clear("discard")
    const names = (await phone.storage.indexedDB?.databases()) ?? []
    expect(names.map(({ name }) => name)).toEqual(["lf/1/places"])
  })

  test("a tab that stays anonymous keeps its log until it closes; then it is adopted (T26)", async () => {
    const { server, phone, document: anonymous } = await writtenOffline(null, "one")
    phone.change = (platform) => ({ ...platform, host: { ...host, after: (ms, run) => host.after(ms / 100, run) } })
    const ann = phone.open("ann")
    expect(await seen(ann)).toEqual([])
    await note(anonymous, "two")
    expect(ann.pendingCount).toBe(0)
    await anonymous.close()
    await until(() => ann.pendingCount === 2)
    server.user = "ann"
    await server.start()
    ann.poke()
    await until(() => ann.pendingCount === 0 && server.rows().length === 2)
    expect(server.rows()).toEqual(["one by ann", "two by ann"])
  })

  for (const moment of ["before", "in the middle of", "after"]) {
    test(`killed ${moment} the move, nothing is lost and nothing runs twice (T26, I9)`, async () => {
      const server = new Server()
      server.user = null
      await server.start()
      const phone = device(server)
      const anonymous = phone.open(null)
      await note(anonymous, "old")
      await until(() => anonymous.pendingCount === 0)
      server.network.setOnline(false)
      await note(anonymous, "one", "two")
      await anonymous.close()
      const hang = new Promise<never>(() => {})
      let isKilled = false
      phone.change = (platform) => ({
        ...platform,
        moveLog: async (from, to) => {
          if (moment === "in the middle of") await deleteBrowserLog(to, phone.storage)
          if (moment === "after") await platform.moveLog(from, to)
          isKilled = true
          return hang
        },
      })
      phone.open("ann")
      await until(() => isKilled)
      phone.kill()
      const ann = phone.open("ann")
      expect(await seen(ann)).toEqual(["old by null", "one by ann", "two by ann"])
      server.signIn("ann")
      ann.poke()
      await until(() => ann.pendingCount === 0)
      expect(server.rows()).toEqual(["old by null", "one by ann", "two by ann"])
      expect(await seen(phone.open(null))).toEqual([])
    })
  }

  test("an anonymous log that cannot be opened stays, and the user's document opens (T26)", async () => {
    const { phone, document: anonymous } = await writtenOffline(null, "one")
    await anonymous.close()
    phone.change = (platform) => ({
      ...platform,
      openLog: (key) => (key.startsWith("anonymous") ? Promise.reject(new Error("damaged")) : platform.openLog(key)),
    })
    const ann = phone.open("ann")
    await note(ann, "mine")
    expect(await seen(ann)).toEqual(["mine by ann"])
    await ann.close()
    phone.kill()
    expect(await seen(phone.open(null))).toEqual(["one by null"])
  })
})

describe("pending belong to their author (T25)", () => {
  test("ann's pending mutations are in no other user's document, and run as ann later (T25)", async () => {
    const { server, phone, document: ann } = await writtenOffline("ann", "ann's")
    await ann.close()
    for (const user of ["ben", null]) {
      const other = phone.open(user)
      expect(await seen(other)).toEqual([])
      await note(other, `${user}'s`)
      await other.close()
    }
    server.user = "ben"
    await server.start()
    const ben = phone.open("ben")
    await until(() => ben.pendingCount === 0 && server.rows().length === 2)
    expect(server.rows().sort()).toEqual(["ben's by ben", "null's by ben"])
    await ben.close()
    server.signIn("ann")
    const again = phone.open("ann")
    await until(() => again.pendingCount === 0 && server.rows().length === 3)
    expect(server.rows().at(-1)).toBe("ann's by ann")
  })

  for (const user of ["ben", null]) {
    test(`a server that takes ann for ${user ?? "anonymous"} gets nothing: needs-auth (T25)`, async () => {
      const server = new Server()
      server.user = user
      const phone = device(server)
      server.network.setOnline(false)
      const ann = phone.open("ann")
      await note(ann, "ann's")
      await server.start()
      ann.poke()
      await until(() => ann.state.status === "needs-auth")
      expect(ann.state.error?.code).toBe("AUTH_REQUIRED")
      expect(ann.pendingCount).toBe(1)
      expect(server.rows()).toEqual([])
      server.signIn("ann")
      ann.poke()
      await until(() => ann.pendingCount === 0)
      expect(server.rows()).toEqual(["ann's by ann"])
    })
  }

  test("a log that ann adopted is hers, however far it got; anonymous starts empty (T25)", async () => {
    const { server, phone, document: first } = await writtenOffline("ann", "mine")
    await first.close()
    const anonymous = phone.open(null)
    await note(anonymous, "one")
    await anonymous.close()
    const ann = phone.open("ann")
    await until(() => ann.pendingCount === 2)
    await ann.close()
    const fresh = phone.open(null)
    expect(await seen(fresh)).toEqual([])
    await server.start()
    fresh.poke()
    await until(() => fresh.state.status === "connected")
    await fresh.close()
    expect(server.rows()).toEqual([])
    server.signIn("ann")
    const again = phone.open("ann")
    await until(() => again.pendingCount === 0 && server.rows().length === 2)
    expect(server.rows().sort()).toEqual(["mine by ann", "one by ann"])
  })
})

test("a document whose database is deleted stops with a code that a reopening cures (I21)", async () => {
  const { phone, document: anonymous } = await writtenOffline(null, "one")
  await deleteBrowserLog("anonymous/d", phone.storage)
  await expect(note(anonymous, "two")).rejects.toMatchObject({ code: "LOG_DEPOSED" })
  expect(anonymous.canReopen).toBe(true)
})
