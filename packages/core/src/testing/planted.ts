import type { Checkpoint, DocumentLog, LogRecord } from "../journal/log.ts"
import type { Pipe, PipeListener } from "../network/network.ts"

// Deliberate faults, each a wrapper around a port: a simulator that does not notice them checks nothing.

/** Acknowledges before anything is durable. */
export function acknowledgesEarly(log: DocumentLog): DocumentLog {
  let last: Promise<unknown> = Promise.resolve()
  const soon = (work: () => Promise<void>) => {
    last = last.then(work).catch(() => {})
    return Promise.resolve()
  }
  return {
    durable: log.durable,
    append: (records) => soon(() => log.append(records)),
    rollup: (checkpoint, live) => soon(() => log.rollup(checkpoint, live)),
    close: async () => {
      await last
      await log.close()
    },
  }
}

/** Forgets the last record of each group that has several. */
export function dropsLastRecord(log: DocumentLog): DocumentLog {
  const without = (records: readonly LogRecord[]) => (records.length > 1 ? records.slice(0, -1) : records)
  return withAppend(log, (records) => log.append(without(records)))
}

/** Keeps the pages of the first rollup for ever. */
export function keepsStalePages(log: DocumentLog): DocumentLog {
  let first: Checkpoint | null = null
  return {
    durable: log.durable,
    append: (records) => log.append(records),
    rollup: (checkpoint, live) => {
      first ??= checkpoint
      return log.rollup({ meta: checkpoint.meta, pages: first.pages }, live)
    },
    close: () => log.close(),
  }
}

/** Remembers no rejection: the author is never told. */
export function forgetsRejections(log: DocumentLog): DocumentLog {
  return withAppend(log, (records) => log.append(records.filter(({ stream }) => stream !== "rejections")))
}

function withAppend(log: DocumentLog, append: DocumentLog["append"]): DocumentLog {
  const rollup = (checkpoint: Checkpoint, live: readonly LogRecord[]) => log.rollup(checkpoint, live)
  return { durable: log.durable, append, rollup, close: () => log.close() }
}

/** A pipe that hands out every fifth frame twice. */
export function doublesFrames(pipe: Pipe): Pipe {
  let count = 0
  return listening(pipe, (frame, listener) => {
    count++
    listener.frame(frame)
    if (count % 5 === 0) listener.frame(frame.slice())
  })
}

/** A pipe that swaps some frames with the one after them. */
export function swapsFrames(pipe: Pipe): Pipe {
  let count = 0
  let held: Uint8Array | null = null
  return listening(pipe, (frame, listener) => {
    count++
    if (held === null && count % 5 === 0) {
      held = frame
      return
    }
    listener.frame(frame)
    if (held !== null) listener.frame(held)
    held = null
  })
}

function listening(pipe: Pipe, frame: (frame: Uint8Array, listener: PipeListener) => void): Pipe {
  return {
    send: (bytes) => pipe.send(bytes),
    close: (reason) => pipe.close(reason),
    listen: (listener) =>
      pipe.listen({ frame: (bytes) => frame(bytes, listener), closed: (reason) => listener.closed(reason) }),
  }
}
