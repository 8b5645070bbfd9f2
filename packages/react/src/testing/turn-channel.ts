import { cloneMessage } from "./clone-message.ts"
import { turn } from "./turn.ts"

/** A MessageChannel where the runner's environment has none, as Jest's jsdom. */
export function turnChannel(): { readonly port1: TurnPort; readonly port2: TurnPort } {
  const port1 = new TurnPort()
  const port2 = new TurnPort()
  port1.other = port2
  port2.other = port1
  return { port1, port2 }
}

/** Copies, in order, each in a turn of its own. What was posted before a close still arrives at the other end. */
class TurnPort {
  readonly #waiting: unknown[] = []
  other: TurnPort | null = null
  #listener: ((event: { readonly data: unknown }) => void) | null = null
  #isDraining = false
  #isClosed = false

  set onmessage(listener: (event: { readonly data: unknown }) => void) {
    this.#listener = listener
    void this.#drain()
  }

  postMessage(message: unknown): void {
    const copy = cloneMessage(message)
    if (this.other !== null) this.other.#take(copy)
  }

  close(): void {
    this.#isClosed = true
    this.#waiting.length = 0
  }

  #take(message: unknown): void {
    if (this.#isClosed) return
    this.#waiting.push(message)
    void this.#drain()
  }

  async #drain(): Promise<void> {
    if (this.#isDraining || this.#listener === null) return
    this.#isDraining = true
    while (this.#waiting.length > 0) {
      await turn()
      const [data] = this.#waiting.splice(0, 1)
      if (!this.#isClosed) this.#listener({ data })
    }
    this.#isDraining = false
  }
}
