import type { Luck } from "./luck.ts"
import type { Climate } from "./sim-world.ts"

/** What kind of world it is. */
export function climateOf(luck: Luck): Climate {
  return {
    syncMsMax: luck.pick([0.5, 5, 60]),
    diskFailure: luck.pick([0, 0, 0.002, 0.02]),
    hang: luck.pick([0, 0, 0.02]),
    poison: luck.pick([0, 0, 0, 0.3]),
    moods: luck.pick([0, 0, 3, 10]),
    lookMs: luck.pick([0, 0, 3]),
    skewMsMax: luck.pick([0, 1000, 200_000]),
    rollupBytes: luck.pick([500, 5000, 50_000]),
    runsPerSlice: luck.pick([0, 0, 1]),
    clientForgottenMs: luck.pick([undefined, undefined, 500, 20_000]),
  }
}

/** How likely each thing is in this run: most runs are rich in some and poor in others. */
export function mixOf(luck: Luck, { moods, clientForgottenMs }: Climate) {
  const some = (weight: number) => weight * luck.pick([0, 0.3, 1, 1, 4])
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
