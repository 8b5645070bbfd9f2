import { turnChannel } from "./turn-channel.ts"

/** The part of a MessagePort that lf uses. */
interface RealPort {
  onmessage: unknown
  postMessage(message: unknown): void
  close(): void
}

/** The messages between a test's tabs and workers that were posted and have not been handled. */
export class Traffic {
  readonly #ports = new Set<CountedPort>()

  get inFlight(): number {
    let count = 0
    for (const { arriving } of this.#ports) count += arriving
    return count
  }

  /** The ports of a new channel. */
  channel(): readonly [CountedPort, CountedPort] {
    const { port1, port2 } = typeof MessageChannel === "undefined" ? turnChannel() : new MessageChannel()
    const onClose = (port: CountedPort) => void this.#ports.delete(port)
    const a = new CountedPort(port1, onClose)
    const b = new CountedPort(port2, onClose)
    a.other = b
    b.other = a
    this.#ports.add(a).add(b)
    return [a, b]
  }

  /** Closes every port: an open one would keep the test's process from ending. */
  close(): void {
    for (const port of this.#ports) port.close()
  }
}

class CountedPort {
  readonly #real: RealPort
  readonly #onClose: (port: CountedPort) => void
  other: CountedPort | null = null
  /** Messages that were posted to this end and were not handled. */
  arriving = 0
  #isClosed = false

  constructor(real: RealPort, onClose: (port: CountedPort) => void) {
    this.#real = real
    this.#onClose = onClose
  }

  set onmessage(listener: (event: { readonly data: unknown }) => void) {
    this.#real.onmessage = (event: { readonly data: unknown }) => {
      try {
        listener(event)
      } finally {
        // It counts until it was handled, with what its handler posts.
        this.arriving = Math.max(0, this.arriving - 1)
      }
    }
  }

  postMessage(message: unknown): void {
    this.#real.postMessage(message)
    if (this.other !== null && !this.other.#isClosed) this.other.arriving++
  }

  close(): void {
    this.#isClosed = true
    this.arriving = 0
    this.#real.close()
    this.#onClose(this)
  }
}
