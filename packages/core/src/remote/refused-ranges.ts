import type { ErrorCode } from "../base/error-codes.ts"
import { lsnAfter } from "../base/lsn.ts"
import type { Batch } from "../journal/batch.ts"
import type { RefusedRange } from "../network/message.ts"
import { mutationCodec } from "../timeline/mutation.ts"

export type MayWrite = (name: string) => boolean | Promise<boolean>

/**
 * The refused entries of a batch, as ranges: those that do not parse, whose name the app does not have, or that this user may
 * not write now. `mayWrite` is called once per name that the app has. Refused entries are kept nowhere (T38, S21).
 */
export async function refusedRanges(
  batch: Batch,
  { mayWrite, isMutation }: { readonly mayWrite?: MayWrite | undefined; isMutation(name: string): boolean },
): Promise<RefusedRange[]> {
  const codes = new Map<string, ErrorCode | null>()
  const ranges: RefusedRange[] = []
  for (let i = 0; i < batch.entries.length; i++) {
    const name = nameOf(batch.entries[i])
    let code = name === null ? "BYTES_MALFORMED" : codes.get(name)
    if (code === undefined) {
      code = isMutation(name ?? "") ? await codeOf(name ?? "", mayWrite) : "MUTATION_UNKNOWN"
      codes.set(name ?? "", code)
    }
    if (code !== null) addTo(ranges, lsnAfter(batch.from, i), code)
  }
  return ranges
}

async function codeOf(name: string, mayWrite: MayWrite | undefined): Promise<ErrorCode | null> {
  return mayWrite === undefined || (await mayWrite(name)) ? null : "MUTATION_FORBIDDEN"
}

/** Extends the last range by the entry after `from` if it ends there with the same code; else adds a range. */
function addTo(ranges: RefusedRange[], from: RefusedRange["from"], code: ErrorCode): void {
  const last = ranges.at(-1)
  const to = lsnAfter(from, 1)
  if (last?.to === from && last.code === code) ranges[ranges.length - 1] = { ...last, to }
  else ranges.push({ from, to, code })
}

function nameOf(entry: Uint8Array): string | null {
  try {
    return mutationCodec.nameOf(entry)
  } catch {
    return null
  }
}
