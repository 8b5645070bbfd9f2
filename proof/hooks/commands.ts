// What can happen to a page, as commands of fast-check's: a run is a list of them, and a failing one shrinks.
import fc from "fast-check"
import type { Scene } from "./page.tsx"
import { hasActivity } from "./page.tsx"
import { fates, type QueryName } from "./shop.ts"
import { docs } from "./sim-server.ts"
import type { World } from "./world.ts"

/** What must hold is kept by the world, which gets every answer. */
export type Model = Record<string, never>

class Command implements fc.AsyncCommand<Model, World> {
  readonly #name: string
  readonly #work: (world: World) => unknown
  readonly #thenMs: number

  constructor(name: string, thenMs: number, work: (world: World) => unknown) {
    this.#name = name
    this.#thenMs = thenMs
    this.#work = work
  }

  check(): boolean {
    return true
  }

  async run(_model: Model, world: World): Promise<void> {
    await world.step(this.#name, () => this.#work(world))
    await world.advance(this.#thenMs)
  }

  toString(): string {
    return `${this.#name}, then ${this.#thenMs} ms`
  }
}

/** Most things happen shortly after each other, some after a long while. */
const pauseMs = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(0, 0, 1, 5, 20) },
  { weight: 3, arbitrary: fc.integer({ min: 20, max: 600 }) },
  { weight: 2, arbitrary: fc.integer({ min: 600, max: 3_000 }) },
  { weight: 1, arbitrary: fc.integer({ min: 3_000, max: 15_000 }) },
)
const how = fc.constantFrom("now" as const, "transition" as const)
const back = fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(6) })
const names: readonly QueryName[] = ["all", "above", "count", "wrong", "clock"]

const change: fc.Arbitrary<Partial<Scene>> = fc.oneof(
  fc.record({ doc: fc.constantFrom(...docs) }),
  fc.record({ user: fc.constantFrom(null, "ann") }),
  fc.record({ min: fc.nat(4) }),
  fc.record({ isEnabled: fc.boolean() }),
  fc.record({ suspends: fc.constantFrom(null, ...names) }),
  fc.record({ shows: fc.array(fc.constantFrom(...names), { maxLength: 4 }) }),
  fc.record({ boundary: fc.constantFrom("outside" as const, "inside" as const) }),
  fc.record({ isHidden: fc.boolean().map((isHidden) => isHidden && hasActivity) }),
  fc.record({ isMounted: fc.boolean() }),
  fc.record({ doc: fc.constantFrom(...docs), writesOnOpen: fc.boolean() }),
  fc.record({
    doc: fc.constantFrom(...docs),
    suspends: fc.constantFrom(...names),
    boundary: fc.constant("outside" as const),
  }),
)

function command<T>(
  weight: number,
  arbitrary: fc.Arbitrary<T>,
  name: (value: T) => string,
  work: (world: World, value: T) => unknown,
): { weight: number; arbitrary: fc.Arbitrary<Command> } {
  return {
    weight,
    arbitrary: fc
      .tuple(arbitrary, pauseMs)
      .map(([value, thenMs]) => new Command(name(value), thenMs, (world) => work(world, value))),
  }
}

const nothing = fc.constant(null)

const all = fc.oneof(
  command(
    6,
    fc.tuple(change, how),
    ([to, way]) => `go ${way} ${JSON.stringify(to)}`,
    (world, [to, way]) => world.go(to, way),
  ),
  command(
    8,
    fc.tuple(
      fc.constantFrom("mutate" as const, "mutateAsync" as const, "document" as const),
      fc.constantFrom(...fates),
      back,
    ),
    ([way, fate, ago]) => `${way} ${fate} by handlers of ${ago} renders ago`,
    (world, [way, fate, ago]) => {
      const handlers = world.handlers(ago)
      if (handlers !== undefined) world.put(handlers, way, fate)
    },
  ),
  command(
    2,
    fc.tuple(back, fc.integer({ min: 1, max: 2_000 })),
    ([ago, ms]) => `a handler of ${ago} renders ago writes after ${ms} ms`,
    (world, [ago, ms]) => {
      const handlers = world.handlers(ago)
      if (handlers !== undefined) setTimeout(() => world.put(handlers, "mutateAsync", "kept"), ms)
    },
  ),
  command(
    2,
    back,
    (ago) => `query by ${ago}`,
    (world, ago) => {
      const handlers = world.handlers(ago)
      if (handlers !== undefined) world.track("query", handlers.document.query({ sql: "select 1", parameters: [] }))
    },
  ),
  command(
    2,
    nothing,
    () => "refetch",
    (world) => {
      for (const { refetch, name } of world.screen.shown.values())
        if (refetch !== null) world.track(`refetch ${name}`, refetch())
    },
  ),
  command(
    2,
    fc.constantFrom("clear", "reset", "invalidate", "remove", "refetch", "hydrate"),
    (what) => `cache: ${what}`,
    (world, what) => world.cache(what as "clear"),
  ),
  command(
    2,
    fc.constantFrom(...docs),
    (doc) => `another client writes in ${doc}`,
    (world, doc) =>
      void world.server
        .remote(doc)
        .mutate("Put", { id: `far${Math.round(performance.now())}`, doc, user: null, fate: "kept" }, null)
        .catch(() => {}),
  ),
  command(
    1,
    nothing,
    () => "dismiss",
    (world) => {
      for (const { uid, dismiss } of world.screen.rejected) world.track(`dismiss ${uid}`, dismiss())
    },
  ),
  command(
    1,
    fc.tuple(back, fc.constantFrom("refuse" as const, "discard" as const)),
    ([, pending]) => `clear, ${pending}`,
    (world, [ago, pending]) => {
      const handlers = world.handlers(ago)
      if (handlers !== undefined) world.clear(handlers, pending)
    },
  ),
  command(
    1,
    fc.tuple(fc.constantFrom("refuse" as const, "discard" as const), fc.boolean()),
    ([pending, isAfter]) => `clear, ${pending}, and a write right ${isAfter ? "after" : "before"} it`,
    (world, [pending, isAfter]) => {
      const handlers = world.handlers(0)
      if (handlers === undefined) return
      if (!isAfter) world.put(handlers, "mutateAsync", "kept")
      world.clear(handlers, pending)
      if (isAfter) world.put(handlers, "mutateAsync", "kept")
    },
  ),
  command(
    2,
    fc.tuple(fc.nat(6), fc.boolean()),
    ([ms, signsIn]) => `a write, ${ms} ms later the worker dies${signsIn ? ", and ann signs in" : ""}`,
    (world, [ms, signsIn]) => {
      const handlers = world.handlers(0)
      if (handlers === undefined) return
      world.put(handlers, "mutateAsync", "kept")
      setTimeout(() => world.browser.kill(), ms)
      if (signsIn) world.go({ user: "ann" }, "now")
    },
  ),
  command(
    1,
    nothing,
    () => "the worker dies",
    (world) => world.browser.kill(),
  ),
  command(
    1,
    fc.boolean(),
    (loads) => `the worker's script ${loads ? "loads" : "does not load"}`,
    (world, loads) => {
      world.browser.loads = loads
      if (!loads) world.browser.kill()
    },
  ),
  command(
    1,
    fc.integer({ min: 100, max: 30_000 }),
    (ms) => `the worker hangs for ${ms} ms`,
    (world, ms) => {
      world.browser.isHung = true
      setTimeout(() => {
        world.browser.isHung = false
      }, ms)
    },
  ),
  command(
    1,
    fc.constantFrom("welcomes" as const, "forbids" as const, "fails" as const),
    (mood) => `the server ${mood}`,
    (world, mood) => {
      world.server.mood = mood
      world.server.network.setOnline(false)
      world.server.network.setOnline(true)
    },
  ),
  command(
    1,
    fc.boolean(),
    (isOnline) => `the network is ${isOnline ? "there" : "gone"}`,
    (world, isOnline) => world.server.network.setOnline(isOnline),
  ),
)

/** At the most so many commands a run. */
export const commands = (maxCommands: number) => fc.commands<Model, World, false>([all], { maxCommands, size: "max" })
