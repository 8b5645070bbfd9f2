// A well-behaved user: one mutation after the other, each timed from its sending to the answer that it is durable.

import { randomBytes, randomUUID } from "node:crypto"
import { setTimeout as sleep } from "node:timers/promises"
import { mutationCodec } from "@lf/core/testing"
import { type RawClient, rawClient } from "../../packages/next/src/testing/raw.ts"

/** Between two mutations of one user: a fast typist, not a load test. */
const THINK_MS = 8

export class User {
  readonly docId: string
  readonly acknowledged: string[] = []
  readonly #client: RawClient
  #samples: number[] = []
  #isStopped = false
  #done: Promise<void> = Promise.resolve()

  private constructor(docId: string, client: RawClient) {
    this.docId = docId
    this.#client = client
  }

  static async arrive(port: number, docId: string, name: string): Promise<User> {
    const headers = { "x-forwarded-for": "198.51.100.1" }
    const client = await rawClient(`ws://127.0.0.1:${port}/api/lf`, { headers })
    client.hello({ docId, token: name, secret: new Uint8Array(randomBytes(32)) })
    await client.receives("welcome")
    const user = new User(docId, client)
    user.#done = user.#work()
    return user
  }

  /** What was measured since the last call, milliseconds. */
  take(): number[] {
    return this.#samples.splice(0)
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    await this.#done
    this.#client.socket.terminate()
  }

  async #work(): Promise<void> {
    while (!this.#isStopped) {
      const uid = randomUUID()
      this.#client.said.length = 0
      const startedMs = performance.now()
      this.#client.push([mutationCodec.encode({ uid, name: "Add", args: { id: uid }, at: Date.now() })])
      await this.#client.receives("cursor")
      this.#samples.push(performance.now() - startedMs)
      this.acknowledged.push(uid)
      await sleep(THINK_MS)
    }
  }
}
