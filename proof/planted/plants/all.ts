import { client } from "./client.ts"
import { hooks } from "./hooks.ts"
import { log } from "./log.ts"
import { pages } from "./pages.ts"
import type { Plant } from "./plant.ts"
import { server } from "./server.ts"

const kinds = [server, log, client, pages, hooks]
const longest = Math.max(...kinds.map(({ length }) => length))

/** One of each kind in turn, so that the first ones, which CI runs, are a sample of all. A seed is a place in this list. */
export const plants: readonly Plant[] = Array.from({ length: longest }, (_, i) =>
  kinds.flatMap((kind) => kind.slice(i, i + 1)),
).flat()

/** Whether the hooks' simulator is to see it, not the engine's. */
export const isOfHooks = (plant: Plant) => hooks.includes(plant)
