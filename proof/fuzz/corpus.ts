import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { hash64 } from "@lf/core/testing"

/** From the root of the repository, where every proof runs. */
const CORPUS = "proof/fuzz/corpus"

/** The inputs kept for a target, in the same order everywhere. */
export function readCorpus(target: string): Uint8Array[] {
  const folder = join(CORPUS, target)
  if (!existsSync(folder)) return []
  return readdirSync(folder)
    .filter((name) => name.endsWith(".bin"))
    .sort()
    .map((name) => new Uint8Array(readFileSync(join(folder, name))))
}

/** Keeps `input`; its name is its content's, so that nothing is kept twice. */
export function keep(target: string, input: Uint8Array): void {
  const folder = join(CORPUS, target)
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, `${hash64(input).toString(16).padStart(16, "0")}.bin`), input)
}
