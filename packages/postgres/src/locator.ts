import { setTimeout } from "node:timers/promises"
import { LfError } from "@lf/core"
import { arrive, removeArriving } from "./move.ts"
import { homeOf, type Placement, placesOf } from "./placement.ts"
import type { Look, Shard } from "./shard.ts"

/** While a document moves it is looked for again so often, and so long at the most. */
const LOOK_AGAIN_MS = 20
const LOOK_MS_MAX = 3_000

/** A document at the database that has it or, if none does, at the one that may make it. */
export interface Located {
  readonly shard: Shard
  readonly look: Look
}

/**
 * Finds the database of a document. As a rule that is its home, and no other is asked. While documents are being moved it may be at
 * any of them, and no new one is made before all have said that they do not have it.
 */
export class Locator {
  readonly #shards: readonly Shard[]
  #placement: Placement | null = null

  constructor(shards: readonly Shard[]) {
    this.#shards = shards
  }

  /** The newest that any database has named so far. @throws LOG_FAILED */
  async placement(): Promise<Placement> {
    this.#placement ??= await this.#readPlacement()
    return this.#placement
  }

  /** With `takes`, one that no other node owns is this node's from then on. @throws LOG_OWNED LOG_FAILED */
  async locate(key: string, options: { readonly takes: boolean }): Promise<Located> {
    const endMs = performance.now() + LOOK_MS_MAX
    for (;;) {
      const located = await this.#tryLocate(key, options)
      if (located !== null) return located
      if (performance.now() >= endMs) throw new LfError("LOG_OWNED", `${key} is on its way to another database`)
      await setTimeout(LOOK_AGAIN_MS)
    }
  }

  /** Null: something changed meanwhile, so look again. */
  async #tryLocate(key: string, { takes }: { readonly takes: boolean }): Promise<Located | null> {
    const placement = await this.placement()
    const home = await this.#shardOf(homeOf(key, placement.shards))
    const first = await this.#look(home, key, takes)
    if (first.state === "here") return { shard: home, look: first }
    if (this.#placement !== placement) return null
    const isSame = first.placement.version === placement.version
    if (placement.isSettled && isSame && first.state === "absent") return { shard: home, look: first }
    const others = this.#shards.filter((shard) => shard !== home)
    const looks = await lookAt(others, (shard) => this.#look(shard, key, false))
    const at = others.findIndex((shard) => looks.get(shard)?.state === "here")
    if (at >= 0) {
      const look = await this.#look(others[at], key, takes)
      return look.state === "here" ? { shard: others[at], look } : null
    }
    if (looks.size < others.length) await failureOf(others)
    // One that this server does not know may have it.
    refuseUnknownPlaces(placement, this.#shards)
    // What left another one before it was asked is here by now.
    const again = await this.#look(home, key, takes)
    if (again.state === "here") return { shard: home, look: again }
    looks.set(home, again)
    for (const [from, { movedTo }] of looks) {
      if (movedTo === null) continue
      await arrive(key, { from, to: await this.#shardOf(movedTo) })
      return null
    }
    if (await this.#wrotePlacement(looks, placement)) return null
    // It was deleted where it came from.
    if (again.state === "arriving") await removeArriving(key, home)
    return { shard: home, look: { ...again, state: "absent" } }
  }

  /** What an `lf rebalance` that was cut has written to some databases is written to the others. */
  async #wrotePlacement(looks: ReadonlyMap<Shard, Look>, placement: Placement): Promise<boolean> {
    const others = [...looks].filter(([, look]) => look.placement.version !== placement.version)
    for (const [shard, look] of others)
      if (look.placement.version < placement.version) await shard.writePlacement(placement)
    return others.length > 0
  }

  async #look(shard: Shard, key: string, takes: boolean): Promise<Look> {
    const look = await shard.look(key, { takes })
    if (this.#placement !== null && look.placement.version > this.#placement.version) this.#placement = look.placement
    return look
  }

  async #shardOf(id: string): Promise<Shard> {
    const known = this.#shards.find((shard) => shard.id === id)
    if (known !== undefined) return known
    await failureOf(this.#shards)
    throw unknownPlaces(await this.placement(), this.#shards)
  }

  async #readPlacement(): Promise<Placement> {
    const found = await Promise.allSettled(this.#shards.map((shard) => shard.placement()))
    const ids = this.#shards.flatMap(({ id }) => id ?? [])
    if (new Set(ids).size < ids.length)
      throw new LfError("LOG_FAILED", "two of `shards` are one database, or copies of one: name each database once")
    const newest = newestOf(found.flatMap((one) => (one.status === "fulfilled" ? one.value : [])))
    if (newest !== null) refuseUnknownPlaces(newest, this.#shards)
    if (newest !== null && this.#shards.length === 1) return newest
    if (newest !== null && newest.version > 0) return await this.#agreeOn(newest)
    for (const one of found) if (one.status === "rejected") throw one.reason
    return await this.#agreeOn(await this.#proposal())
  }

  /** Of several databases, of which none has a placement: one that has documents keeps all. */
  async #proposal(): Promise<Placement> {
    const isEmpty = await Promise.all(this.#shards.map((shard) => shard.isEmpty()))
    const filled = this.#shards.filter((_, i) => !isEmpty[i])
    if (filled.length > 1) throw ofTheirOwn(filled)
    const shards = (filled.length === 1 ? filled : this.#shards).flatMap(({ id }) => id ?? []).sort()
    return { version: 1, shards, isSettled: true, sources: [] }
  }

  /** Writes it to each that answers and has none. No document is opened beside one with documents of its own, or another list. */
  async #agreeOn(placement: Placement): Promise<Placement> {
    const { version, shards } = placement
    const answering = this.#shards.filter(({ id }) => id !== null)
    // A single one keeps the documents that it has.
    const keeps = ({ id }: Shard) => shards.length === 1 && shards[0] === id
    for (const shard of answering) await shard.beginPlacement(placement, { mustBeEmpty: !keeps(shard) })
    const written = await Promise.all(answering.map((shard) => shard.placement()))
    const filled = answering.filter((_, i) => written[i].version === 0)
    if (filled.length > 0) throw ofTheirOwn(filled)
    if (written.some((one) => one.version === version && one.shards.join() !== shards.join()))
      throw new LfError("LOG_FAILED", "servers began with other `shards` at the same time; run: npx lf rebalance")
    return newestOf(written) ?? placement
  }
}

/** Those that do not answer may be the ones that are not known. @throws LOG_FAILED */
export function refuseUnknownPlaces(placement: Placement, shards: readonly Shard[]): void {
  const unknown = placesOf(placement).filter((id) => !shards.some((shard) => shard.id === id))
  const silent = shards.filter(({ id }) => id === null)
  if (unknown.length > silent.length) throw unknownPlaces(placement, shards)
}

function unknownPlaces(placement: Placement, shards: readonly Shard[]): LfError {
  const places = placesOf(placement)
  const known = shards.filter(({ id }) => id !== null && places.includes(id)).length
  const message = `documents are spread over ${places.length} databases, and \`shards\` has ${known} of them: name all`
  return new LfError("LOG_FAILED", message)
}

function ofTheirOwn(shards: readonly Shard[]): LfError {
  const addresses = shards.map(({ address }) => address).join(" and ")
  return new LfError("LOG_FAILED", `${addresses} of \`shards\` had documents of its own; run: npx lf rebalance`)
}

/** What those say that answer. */
async function lookAt(shards: readonly Shard[], lookOf: (shard: Shard) => Promise<Look>): Promise<Map<Shard, Look>> {
  const looks = await Promise.allSettled(shards.map(async (shard) => [shard, await lookOf(shard)] as const))
  return new Map(looks.flatMap((one) => (one.status === "fulfilled" ? [one.value] : [])))
}

/** Throws what the first of them says that does not answer. */
async function failureOf(shards: readonly Shard[]): Promise<void> {
  await Promise.all(shards.map((shard) => shard.begin()))
}

export function newestOf(placements: readonly Placement[]): Placement | null {
  return placements.reduce<Placement | null>(
    (newest, one) => (newest === null || one.version > newest.version ? one : newest),
    null,
  )
}
