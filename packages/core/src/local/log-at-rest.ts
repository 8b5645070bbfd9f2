import { LSN_ZERO } from "../base/lsn.ts"
import type { OpenedLog } from "../journal/log.ts"
import { Streams } from "../journal/streams.ts"
import { mutationCodec } from "../timeline/mutation.ts"
import { timelineStream } from "../timeline/timeline.ts"
import { rejectionCodec, settledCodec } from "./local-entries.ts"

/** How many mutations in a log wait for the server, as far as its records say. It is only read. @throws LOG_CORRUPT */
export function pendingAtRest(opened: OpenedLog): number {
  const streams = new Streams(opened)
  const settled = streams.journal("settled", settledCodec)
  const last = settled.lsn() > settled.start() ? settled.entry(settled.lsn()) : null
  let count = 0
  for (const name of streams.names().filter((name) => name.startsWith(timelineStream("")))) {
    const timeline = streams.journal(name, mutationCodec)
    const decided = last !== null && timelineStream(last.clientId) === name ? last.lsn : LSN_ZERO
    count += Math.max(0, timeline.lsn() - Math.max(timeline.start(), decided))
  }
  return count
}

/** Whether a log holds a pending mutation or a rejection. It is only read. @throws LOG_CORRUPT */
export function isAwaited(opened: OpenedLog): boolean {
  const streams = new Streams(opened)
  const rejections = streams.journal("rejections", rejectionCodec)
  const timelines = streams.names().filter((name) => name.startsWith(timelineStream("")))
  return [rejections, ...timelines.map((name) => streams.journal(name, mutationCodec))].some(
    (journal) => journal.lsn() > journal.start(),
  )
}
