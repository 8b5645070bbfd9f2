import { WebSocket } from "ws"

const COMMAND_MS_MAX = 40_000

interface Answer {
  readonly id?: number
  readonly type: "success" | "error" | "event"
  readonly result?: unknown
  readonly error?: string
  readonly message?: string
}

/** Commands of WebDriver BiDi over one socket: https://w3c.github.io/webdriver-bidi/ */
export class Bidi {
  readonly #socket: WebSocket
  readonly #waiting = new Map<number, (answer: Answer) => void>()
  #lastId = 0

  private constructor(socket: WebSocket) {
    this.#socket = socket
    socket.on("message", (data) => {
      const answer = JSON.parse(String(data)) as Answer // the browser's
      if (answer.id !== undefined) this.#waiting.get(answer.id)?.(answer)
    })
    socket.on("error", () => {}) // "close" follows
    socket.on("close", () => {
      for (const done of this.#waiting.values()) done({ type: "error", error: "the browser is gone" })
    })
  }

  static connect(url: string): Promise<Bidi> {
    const socket = new WebSocket(url)
    return new Promise((resolve, reject) => {
      socket.once("open", () => resolve(new Bidi(socket)))
      socket.once("error", reject)
    })
  }

  /** `T` is what the specification says of this command's result. @throws what the browser answers, or after 40 s */
  async send<T = unknown>(method: string, params: object): Promise<T> {
    const id = ++this.#lastId
    const answer = await new Promise<Answer>((resolve) => {
      const late = setTimeout(() => resolve({ type: "error", error: "timeout" }), COMMAND_MS_MAX)
      this.#waiting.set(id, (answer) => {
        clearTimeout(late)
        resolve(answer)
      })
      this.#socket.send(JSON.stringify({ id, method, params }))
    })
    this.#waiting.delete(id)
    if (answer.type === "success") return answer.result as T // as specified
    throw new Error(`${method}: ${answer.error} ${answer.message ?? ""}`)
  }

  close(): void {
    this.#socket.terminate()
  }
}
