import type { SeededRandom } from "./seeded-random.ts"
import type { Climate } from "./sim-world.ts"

/** What kind of world it is. */
export function climateOf(random: SeededRandom): Climate {
  return {
    syncMsMax: random.pick([0.5, 5, 60]),
    diskFailure: random.pick([0, 0, 0.002, 0.02]),
    hang: random.pick([0, 0, 0.02]),
    poison: random.pick([0, 0, 0, 0.3]),
    moods: random.pick([0, 0, 3, 10]),
    lookMs: random.pick([0, 0, 3, 11]),
    skewMsMax: random.pick([0, 1000, 200_000]),
    rollupBytes: random.pick([500, 5000, 50_000]),
    runsPerSlice: random.pick([0, 0, 1]),
    clientForgottenMs: random.pick([undefined, undefined, 500, 20_000]),
    chunkPages: random.pick([1, 2, 5]),
    deflateMsMax: random.pick([0, 5, 50]),
  }
}

/** How likely each thing is in this run: most runs are rich in some and poor in others. */
export function mixOf(random: SeededRandom, { moods, clientForgottenMs }: Climate) {
  const some = (weight: number) => weight * random.pick([0, 0.3, 1, 1, 4])
  return {
    mutate: 20,
    serverMutates: some(1),
    clientEnds: some(2),
    // What is known of copied profiles with changing rights, and with forgotten clients: decisions 19 and 25.
    clone: some(moods > 0 || clientForgottenMs !== undefined ? 0 : 0.7),
    serverEnds: some(1.5),
    backup: some(1),
    restore: some(1),
    checkpoint: some(2),
    cut: some(2),
    halfOpen: some(1),
    part: some(1),
    offline: some(2),
    deploy: some(0.3),
    dismiss: some(1),
    signIn: some(0.5),
    takeOver: some(0.7),
    flip: some(0.5),
    attack: some(2),
  }
}
