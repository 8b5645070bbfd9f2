import type { OpenedLog } from "../journal/log.ts"

/** Everything that one log holds, into an empty one; closes both. As a clone of a profile or a backup does. */
export async function copyLog(from: OpenedLog, to: OpenedLog): Promise<void> {
  if (from.checkpoint === null) await to.log.append(from.records)
  else await to.log.rollup(from.checkpoint, from.records)
  await to.log.close()
  await from.log.close()
}
