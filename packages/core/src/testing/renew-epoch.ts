import type { Host } from "../base/host.ts"
import { newEpoch } from "../base/ids.ts"
import type { OpenedLog } from "../journal/log.ts"
import { Streams } from "../journal/streams.ts"
import { epochsOf } from "../remote/remote-store.ts"

/** Gives a document that is put back the new epoch that `lf restore` would give it, and closes its log. */
export async function renewEpoch(opened: OpenedLog, host: Host): Promise<void> {
  const streams = new Streams(opened)
  epochsOf(streams).append({ epoch: newEpoch(host) })
  await streams.close()
}
