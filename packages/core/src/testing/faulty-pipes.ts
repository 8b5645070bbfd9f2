import type { Pipe, PipeListener } from "../network/network.ts"

// Pipes that break their contract by doubling or swapping frames: nothing may be lost, doubled or shown wrong.

/** A pipe that delivers every fifth frame twice. */
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

/** A pipe that reports its end inside `close`, as a browser's does: its `closed` is called before `close` returns. */
export function closesAtOnce(pipe: Pipe): Pipe {
  let listener: PipeListener | null = null
  let isClosed = false
  const end = (reason: string) => {
    if (isClosed) return
    isClosed = true
    listener?.closed(reason)
  }
  return {
    send: (bytes) => {
      if (!isClosed) pipe.send(bytes)
    },
    close: (reason) => {
      pipe.close(reason)
      end(reason)
    },
    listen: (to) => {
      listener = to
      pipe.listen({
        frame: (bytes) => {
          if (!isClosed) to.frame(bytes)
        },
        closed: end,
      })
    },
  }
}
