// Chooses the mutants of a run.
import { areas } from "./areas.mjs"
import { argumentFor } from "./argued.mjs"

/** All areas, or those of `parts`; a sample looks at one of them, by its seed, where none is named at one that is looked through. */
export function chosenAreas(parts, sample, seed) {
  const isMeant = (area) => area.files.some((file) => parts.some((part) => isBelow(file, part) || isBelow(part, file)))
  const meant = parts.length === 0 ? areas : areas.filter(isMeant)
  if (sample === undefined) return meant
  const sampled = parts.length === 0 ? meant.filter(({ isSampled }) => isSampled) : meant
  return [sampled[seed % sampled.length]]
}

export function isBelow(path, folder) {
  return path === folder || path.startsWith(folder.endsWith("/") ? folder : `${folder}/`)
}

/** All of them, or so many that count, each with the same chance. */
export function sampler(sample, seed) {
  if (sample === undefined) return (mutants) => mutants
  return (mutants) => {
    const counted = mutants.filter((mutant) => argumentFor(mutant) === undefined)
    const drawn = counted.map((mutant) => ({ mutant, lot: lotOf(`${seed} ${mutant.id} ${mutant.file}`) }))
    drawn.sort((a, b) => a.lot - b.lot)
    return drawn.slice(0, sample).map(({ mutant }) => mutant)
  }
}

/** FNV-1a, then mixed: the same number for the same text everywhere. */
function lotOf(text) {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x45d9f3b)
  return (hash ^ (hash >>> 16)) >>> 0
}
