import type { Host } from "../base/host.ts"
import { newEpoch } from "../base/ids.ts"
import type { OpenedLog } from "../journal/log.ts"
import { Streams } from "../journal/streams.ts"
import { epochsOf } from "./remote-store.ts"

/**
 * Gives a document that was put back from a copy a new epoch, so that clients notice that their cursors mean nothing
 * any more (T2). Done before the document is opened again; it closes the log. Skipped, a client that is ahead of the
 * copy takes other pages for its own.
 * @throws LOG_CORRUPT LOG_FAILED LOG_FULL
 */
export async function renewEpoch(opened: OpenedLog, host: Host): Promise<void> {
  const streams = new Streams(opened)
  epochsOf(streams).append({ epoch: newEpoch(host) })
  await streams.close()
}
