import { LfError } from "../base/error.ts"
import type { Network, Pipe, PipeListener } from "./network.ts"

/** Two ends of one connection in memory. Frames arrive in a later microtask, copied, like from a socket. */
export function memoryPipe(): readonly [Pipe, Pipe] {
  const a = new MemoryPipe()
  const b = new MemoryPipe()
  a.other = b
  b.other = a
  return [a, b]
}

class MemoryPipe implements Pipe {
  other: MemoryPipe | undefined
  #listener: PipeListener | undefined
  #waiting: ((listener: PipeListener) => void)[] = []
  #isClosed = false
  #hasEnded = false

  send(frame: Uint8Array): void {
    if (this.#isClosed) return
    const copy = frame.slice()
    this.other?.deliver((listener) => listener.frame(copy))
  }

  close(reason: string): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.other?.end(reason)
    this.end(reason)
  }

  listen(listener: PipeListener): void {
    this.#listener = listener
    this.#drain()
  }

  /** What was sent before still arrives; then the end is reported, once. */
  end(reason: string): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    this.deliver((listener) => listener.closed(reason))
  }

  deliver(event: (listener: PipeListener) => void): void {
    this.#waiting.push(event)
    if (this.#listener !== undefined) this.#drain()
  }

  #drain(): void {
    void Promise.resolve().then(() => {
      const listener = this.#listener
      if (listener === undefined) return
      for (const event of this.#waiting.splice(0)) event(listener)
    })
  }
}

/** The memory twin of the network port: connects to a server that is a function, and can be cut. */
export class MemoryNetwork implements Network {
  readonly #accept: (pipe: Pipe) => void
  readonly #open = new Set<Pipe>()
  #isOnline = true

  constructor(accept: (pipe: Pipe) => void) {
    this.#accept = accept
  }

  async connect(): Promise<Pipe> {
    if (!this.#isOnline) throw new LfError("SERVER_CLOSING", "the network is down")
    const [near, far] = memoryPipe()
    this.#open.add(near)
    this.#accept(far)
    return near
  }

  /** Cuts every connection; new ones fail until it is called with true. */
  setOnline(isOnline: boolean): void {
    this.#isOnline = isOnline
    if (!isOnline) for (const pipe of this.#open) pipe.close("the network is down")
    if (!isOnline) this.#open.clear()
  }
}
