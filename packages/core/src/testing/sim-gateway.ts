import { LfError } from "../base/error.ts"
import type { Hello } from "../network/message.ts"
import type { Network, Pipe } from "../network/network.ts"
import { RelayedDocument } from "../relay/relayed-document.ts"
import { ClientConnection } from "../remote/client-connection.ts"
import { admission } from "./admit.ts"
import type { SeededRandom } from "./seeded-random.ts"
import { mayWrite, releases } from "./sim-app.ts"
import { SimHost } from "./sim-host.ts"
import type { SimWorld } from "./sim-world.ts"

/** A server that owns no document: it relays clients to the owner, crashes, and starts again. */
export class SimGateway {
  readonly name: string
  readonly #world: SimWorld
  readonly #random: SeededRandom
  /** To the owner of a document. */
  readonly #wayTo: (docId: string) => Network
  /** What a deployment has brought; the process runs it from its next start. */
  readonly #release: () => number
  readonly #documents = new Map<string, Promise<RelayedDocument>>()
  #host: SimHost
  #running = 0

  constructor(
    world: SimWorld,
    options: { name: string; random: SeededRandom; wayTo: (docId: string) => Network; release: () => number },
  ) {
    this.#world = world
    this.name = options.name
    this.#random = options.random
    this.#wayTo = options.wayTo
    this.#release = options.release
    this.#host = new SimHost(world.clock, this.#random.fork())
  }

  get isStale(): boolean {
    return this.#running !== this.#release()
  }

  start(): void {
    const { clock, network } = this.#world
    const host = new SimHost(clock, this.#random.fork())
    this.#host = host
    this.#running = this.#release()
    network.others.set(this.name, (pipe) => {
      const admit = async (hello: Hello) => {
        if (this.#random.chance(0.3)) await clock.sleep(this.#random.between(0, 30))
        const remote = await this.#document(hello.docId)
        if (host !== this.#host) throw new LfError("SERVER_CLOSING", "the server starts")
        const user = hello.token === "" ? null : hello.token
        return { remote, user, mayWrite: (name: string) => mayWrite(name, this.#random) }
      }
      new ClientConnection({ pipe: aliveOnly(pipe, () => host === this.#host), host, admission: admission(admit) })
    })
  }

  /** Now and then, until `isOver`. */
  endNowAndThen(isOver: () => boolean): void {
    const { clock } = this.#world
    clock.after(this.#random.between(0, 60_000), () => {
      if (isOver()) return
      this.restart(this.#random.between(0, 3000))
      this.endNowAndThen(isOver)
    })
  }

  restart(pauseMs: number): void {
    const { clock, network, trace } = this.#world
    trace.note(`${this.name} crash`)
    network.others.delete(this.name)
    network.otherDied(this.name)
    this.#host.kill()
    const dead = [...this.#documents.values()]
    this.#documents.clear()
    for (const document of dead)
      document.then(
        (one) => one.close(),
        () => {},
      )
    clock.after(pauseMs, () => this.start())
  }

  #document(docId: string): Promise<RelayedDocument> {
    const known = this.#documents.get(docId)
    if (known !== undefined) return known
    const opening = this.#open(docId, () => this.#forget(docId, opening))
    this.#documents.set(docId, opening)
    opening.catch(() => this.#forget(docId, opening))
    return opening
  }

  async #open(docId: string, onLost: () => void): Promise<RelayedDocument> {
    const pipe = await this.#wayTo(docId).connect()
    return await RelayedDocument.over({ pipe, mutator: releases[this.#running], host: this.#host, onLost })
  }

  #forget(docId: string, opening: Promise<RelayedDocument>): void {
    if (this.#documents.get(docId) === opening) this.#documents.delete(docId)
  }
}

/** What a dead process still awaits leaves nowhere. */
function aliveOnly(pipe: Pipe, isAlive: () => boolean): Pipe {
  return {
    send: (frame) => {
      if (isAlive()) pipe.send(frame)
    },
    close: (reason) => pipe.close(reason),
    listen: (listener) => pipe.listen(listener),
  }
}
