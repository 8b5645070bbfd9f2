import { type Network, type Pipe, toLfError } from "@lf/core/internal"

const ERRORS_MAX = 20

/** What went over one document's connections, counted from when it was opened. */
export class NetworkMeter {
  tries = 0
  failures = 0
  framesIn = 0
  framesOut = 0
  bytesIn = 0
  bytesOut = 0
  connectedSince: number | null = null
  /** How the last connection's frames travel, where the network says so. */
  transport: string | null = null
  /** Newest first. */
  readonly errors: { readonly code: string; readonly message: string; readonly at: number }[] = []
  readonly #nowMs: () => number

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs
  }

  /** The same network, counted. */
  watch(network: Network): Network {
    return {
      connect: async () => {
        this.tries++
        try {
          const pipe = await network.connect()
          this.connectedSince = this.#nowMs()
          this.transport = pipe.transport ?? null
          return this.#watchPipe(pipe)
        } catch (error) {
          this.failures++
          this.note(error)
          throw error
        }
      },
    }
  }

  /** One error that comes again and again is kept once, with its last time. */
  note(error: unknown): void {
    const { code, message } = toLfError(error, "WORKER_FAILED")
    if (this.errors[0]?.code === code && this.errors[0].message === message) this.errors.shift()
    this.errors.unshift({ code, message, at: this.#nowMs() })
    this.errors.length = Math.min(this.errors.length, ERRORS_MAX)
  }

  #watchPipe(pipe: Pipe): Pipe {
    return {
      send: (frame) => {
        this.framesOut++
        this.bytesOut += frame.length
        pipe.send(frame)
      },
      close: (reason) => pipe.close(reason),
      listen: ({ frame, closed }) =>
        pipe.listen({
          frame: (bytes) => {
            this.framesIn++
            this.bytesIn += bytes.length
            frame(bytes)
          },
          closed: (reason) => {
            this.connectedSince = null
            closed(reason)
          },
        }),
    }
  }
}
