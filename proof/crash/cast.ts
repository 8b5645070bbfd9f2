// The server and clients of a scene: real ones, on the disk that they are given, one call after the other.

import { setTimeout as sleep } from "node:timers/promises"
import {
  fateOf,
  helloOf,
  Link,
  Local,
  LSN_ZERO,
  mayWrite,
  memoryPipe,
  mutationCodec,
  type OpenedLog,
  Remote,
  randomMutation,
  releases,
  SeededRandom,
  SimClock,
  SimHost,
  type SqliteModule,
  type SqlitePool,
  serve,
  type Temper,
  type Welcome,
} from "@lf/core/testing"
import type { Promises } from "./promises.ts"

/** A client rewrites its base after so few bytes, so that a scene has many rollups. */
const ROLLUP_BYTES = 3000
/** Nothing kills the server, and rights do not change: the disk is what fails here. */
const CALM: Temper = { poison: 0, moods: 0 }
const ALWAYS = new SeededRandom(0)
/** A fork, a gap and the way back: a few connections are enough to come together. */
const CONNECTIONS_MAX = 12

/** Makes the servers and clients of one image, and cleans up after them. */
export class Cast {
  readonly host: SimHost
  readonly #pool: SqlitePool
  readonly #taken: SqliteModule[] = []
  readonly #closers: (() => Promise<void>)[] = []

  constructor(pool: SqlitePool, random: SeededRandom) {
    this.#pool = pool
    this.host = new SimHost(new SimClock(), random)
  }

  /** Other clients, with random numbers of their own: what they draw changes no other sequence. */
  others(random: SeededRandom): Cast {
    return new Cast(this.#pool, random)
  }

  async remote(opened: OpenedLog): Promise<Remote> {
    const loadSqlite = async () => this.#take()
    const remote = await Remote.recover({ opened, loadSqlite, mutator: releases[0], host: this.host })
    this.#closers.push(() => remote.close())
    return remote
  }

  async local(opened: OpenedLog): Promise<Local> {
    const module = this.#take()
    const mutator = releases[0]
    const local = new Local({ opened, module, mutator, host: this.host, user: null, rollupBytes: ROLLUP_BYTES })
    this.#closers.push(() => local.close())
    return local
  }

  /** Closes all; what was open on a dead disk cannot be flushed, and need not. */
  async end(): Promise<void> {
    for (const close of this.#closers.splice(0)) await close().catch(() => {})
    for (const module of this.#taken.splice(0)) this.#pool.give(module)
  }

  #take(): SqliteModule {
    const module = this.#pool.take()
    this.#taken.push(module)
    return module
  }
}

/** Runs a user's mutation, and notes its outcome. */
export function act(local: Local, random: SeededRandom, promises: Promises): Promise<unknown> {
  const { name, args } = randomMutation(random, CALM)
  promises.made(args.uid, fateOf(name))
  try {
    const { durable, remote } = local.run(name, args, args.uid)
    void remote.then(({ type }) => {
      // This device made it a moment ago: an unknown outcome is a fault (I9).
      if (type === "unknown") throw new Error(`${args.uid} is unknown to its author`)
      promises.reported(args.uid, type)
    })
    return durable.then(
      () => promises.resolved(args.uid),
      () => {},
    )
  } catch {
    return Promise.resolve() // refused at once: nothing was promised
  }
}

/** One connection: what is durable is pushed, what is newer is pulled. */
export async function meet(local: Local, remote: Remote, host: SimHost, promises: Promises): Promise<void> {
  const [near, far] = memoryPipe()
  const pipe = promises.witnessed(far, remote)
  serve(pipe, host, remote, { mayWrite: (name) => mayWrite(name, ALWAYS) })
  const link = new Link(near, () => {})
  try {
    const welcome = await greet(link, local)
    local.meet(welcome)
    const { secret } = local
    while (secret.join() === local.secret.join() && (await local.pushMutations(link)) === "more");
    while (local.epoch !== remote.epoch || local.cursor < remote.lsn()) await local.rebase(link, welcome.epoch)
  } finally {
    link.close("done")
  }
}

/** A clone with the same secret writes first: what `local` has pending does not continue that (T1). */
export async function impersonate(local: Local, remote: Remote, host: SimHost, random: SeededRandom): Promise<void> {
  const [near, far] = memoryPipe()
  serve(far, host, remote)
  const link = new Link(near, () => {})
  const { clientLsn, clientHash } = await greet(link, local)
  const { args } = randomMutation(random, CALM)
  const entries = [mutationCodec.encode({ uid: args.uid, name: "Add", args, at: 1 })]
  const batch = { from: clientLsn, previousHash: clientHash, entries }
  await link.syncMutations({ type: "sync-mutations", batch, confirmed: LSN_ZERO })
  link.close("done")
}

/** Connects again and again until both sides have everything. */
export async function comeTogether(local: Local, remote: Remote, host: SimHost, promises: Promises): Promise<boolean> {
  for (let i = 0; i < CONNECTIONS_MAX; i++) {
    await meet(local, remote, host, promises)
    if (local.pendingCount === 0 && local.cursor === remote.lsn()) return true
    // What was refused stays pending until that is durable.
    await sleep(1)
  }
  return false
}

function greet(link: Link, { secret, epoch, cursor }: Local): Promise<Welcome> {
  const schema = releases[0].migrations.map(({ hash }) => hash)
  return link.hello(helloOf({ secret, epoch, cursor, schema }))
}
