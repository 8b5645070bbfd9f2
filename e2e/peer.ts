import { sql } from "@lf/core"
import { clientIdOf, Local, loadChecksum, MemoryDisk, Session } from "@lf/core/internal"
import { loadSqlite, nodeHost, wsNetwork } from "@lf/next/node"
import { expect } from "@playwright/test"
import { mutator } from "../app/lf/mutators.ts"
import type { Server } from "./server.ts"

/** Another user of a list: a client of the same core in this process, through the real socket. */
export class Peer {
  readonly #local: Local
  readonly #session: Session

  private constructor(local: Local, session: Session) {
    this.#local = local
    this.#session = session
  }

  static async open(server: Server, listUrl: string): Promise<Peer> {
    await loadChecksum()
    const docId = new URL(listUrl).pathname.split("/").pop() ?? ""
    const opened = await new MemoryDisk().open(docId)
    const local = new Local({ opened, module: await loadSqlite(), mutator, host: nodeHost, user: null })
    expect(local.clientId).toBe(clientIdOf(local.secret))
    const network = wsNetwork(`${server.url.replace("http", "ws")}/api/lf`)
    return new Peer(local, new Session({ docId, local, network, host: nodeHost, onChange: () => {} }))
  }

  /** The titles in the list's order, as the server has them once nothing is on its way. */
  titles(): string[] {
    return this.#local
      .query(sql<{ title: string }>`select title from todos order by created_at, id`)
      .map((row) => row.title)
  }

  async shows(titles: readonly string[]): Promise<void> {
    await expect.poll(() => this.titles(), { timeout: 20_000 }).toEqual(titles)
  }

  /** Resolves when the server has applied the last one; ids are counted from 0 behind `prefix`. */
  async add(prefix: string, titles: readonly string[]): Promise<void> {
    const receipts = titles.map((title, i) => this.#local.run("AddTodo", { id: `${prefix}${i}`, title }))
    expect((await receipts.at(-1)?.remote)?.type).toBe("applied")
  }

  async remove(id: string): Promise<void> {
    expect((await this.#local.run("DeleteTodo", { id }).remote).type).toBe("applied")
  }

  async rename(id: string, title: string): Promise<void> {
    expect((await this.#local.run("RenameTodo", { id, title }).remote).type).toBe("applied")
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#session.stop()
    await this.#local.close()
  }
}
