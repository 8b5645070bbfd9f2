import { LfError, type Network, type Pipe, type PipeListener } from "@lf/core"
import { errorName } from "./browser-storage.ts"

const CONNECT_MS_MAX = 10_000

/** The way to a server over a WebSocket on the path of its route. `url` is http or https. */
export function wsNetwork(url: string): Network {
  return {
    async connect() {
      await wake(url)
      const socket = new WebSocket(url.replace(/^http/, "ws"))
      socket.binaryType = "arraybuffer"
      await opened(socket)
      return pipeOf(socket)
    },
  }
}

/** The route's bundle holds the server's end: asking for the path loads it (and, in development, new mutators). */
async function wake(url: string): Promise<void> {
  try {
    await fetch(url, { method: "GET", cache: "no-store", signal: AbortSignal.timeout(CONNECT_MS_MAX) })
  } catch (error) {
    // A worker that has lost its service worker can fetch nothing any more; a socket still opens, if there is a server.
    if (errorName(error) !== "TypeError") throw error
  }
}

function opened(socket: WebSocket): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.onopen = () => resolve()
    socket.onerror = () => reject(new LfError("SERVER_CLOSING", "the server cannot be reached"))
    socket.onclose = () => reject(new LfError("SERVER_CLOSING", "the server closed the connection"))
  })
}

function pipeOf(socket: WebSocket): Pipe {
  let listener: PipeListener | null = null
  let isClosed = false
  const close = (reason: string) => {
    if (isClosed) return
    isClosed = true
    listener?.closed(reason)
  }
  socket.onerror = () => close("the connection failed")
  socket.onclose = (event) => close(event.reason || "the connection was closed")
  socket.onmessage = (event: MessageEvent<unknown>) => {
    if (isClosed) return
    if (event.data instanceof ArrayBuffer) listener?.frame(new Uint8Array(event.data))
  }
  return {
    send(frame) {
      if (socket.readyState === WebSocket.OPEN) socket.send(frame.slice())
    },
    close(reason) {
      // A socket without network takes its time to close; for us it is gone now.
      socket.close(1000, reason.slice(0, 100))
      close(reason)
    },
    listen(to) {
      listener = to
      if (isClosed) to.closed("the connection was closed")
    },
  }
}
