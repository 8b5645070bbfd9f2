import { stderr, stdout } from "node:process"

/** Of one guarded step. A loop that logs would write without an end. */
const HELD_BYTES_MAX = 64 * 1024

type Write = typeof stdout.write

/**
 * From now on what is written to stdout and stderr waits for the returned function. Work that may be stopped must not be in the middle
 * of a write then: the stream would wait for its end for ever, and the process would say nothing more.
 */
export function holdOutput(): () => void {
  const waiting: (() => void)[] = []
  let bytes = 0
  let dropped = 0
  const held = (stream: NodeJS.WriteStream): (() => void) => {
    const write = stream.write
    stream.write = ((...args: Parameters<Write>) => {
      bytes += args[0].length
      if (bytes > HELD_BYTES_MAX) dropped++
      else waiting.push(() => void write.apply(stream, args))
      return true
    }) as Write
    return () => {
      stream.write = write
    }
  }
  const releases = [held(stdout), held(stderr)]
  return () => {
    for (const release of releases) release()
    for (const write of waiting) write()
    if (dropped > 0)
      stderr.write(`lf: a mutation wrote more than ${HELD_BYTES_MAX} bytes; ${dropped} writes were dropped\n`)
  }
}
