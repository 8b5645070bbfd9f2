import { keep } from "./corpus.ts"
import { judge, type Verdict } from "./oracle.ts"
import type { Target } from "./target.ts"

/** Beyond this a corpus is a burden on the repository. */
const INPUTS_MAX = 12
const INPUT_BYTES_MAX = 6 * 1024
const CORPUS_BYTES_MAX = 18 * 1024

const shapesByTarget = new Map<Target, Set<string>>()
const bytesByTarget = new Map<Target, number>()

/** Keeps inputs whose shape nothing in their corpus has: accepted ones, and refusals that are new. */
export class Grower {
  static readonly isWanted = process.env.LF_FUZZ_GROW === "1"
  readonly #target: Target
  readonly #kept: Uint8Array[]

  constructor(target: Target, kept: Uint8Array[]) {
    this.#target = target
    this.#kept = kept
  }

  async look(input: Uint8Array, { shape }: Verdict): Promise<void> {
    const shapes = await this.#shapes()
    const bytes = bytesByTarget.get(this.#target) ?? 0
    if (shapes.has(shape)) return
    if (input.length > INPUT_BYTES_MAX || bytes + input.length > CORPUS_BYTES_MAX || shapes.size >= INPUTS_MAX) return
    shapes.add(shape)
    bytesByTarget.set(this.#target, bytes + input.length)
    this.#kept.push(input)
    keep(this.#target.name, input)
  }

  async #shapes(): Promise<Set<string>> {
    let shapes = shapesByTarget.get(this.#target)
    if (shapes === undefined) {
      shapes = new Set()
      for (const input of this.#kept) shapes.add((await judge(this.#target, input)).shape)
      shapesByTarget.set(this.#target, shapes)
      bytesByTarget.set(
        this.#target,
        this.#kept.reduce((sum, input) => sum + input.length, 0),
      )
    }
    return shapes
  }
}
