const COMMAND_MS_MAX = 40_000

/** Commands of a WebDriver session over HTTP, one after the other: https://www.w3.org/TR/webdriver2/ */
export class WebDriver {
  readonly #base: string
  #last: Promise<unknown> = Promise.resolve()

  /** `base` is the session's address. */
  constructor(base: string) {
    this.#base = base
  }

  /** `work` has the session for itself: its commands concern the window that it switched to. */
  alone<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work)
    this.#last = done.catch(() => {}) // its caller gets the error
    return done
  }

  get<T>(path: string): Promise<T> {
    return command<T>("GET", this.#base + path)
  }

  post<T = null>(path: string, body: object = {}): Promise<T> {
    return command<T>("POST", this.#base + path, body)
  }

  delete(path: string): Promise<unknown> {
    return command("DELETE", this.#base + path)
  }
}

/** `T` is what the specification says of this command's value. @throws what the driver answers, or after 40 s */
export async function command<T>(method: "GET" | "POST" | "DELETE", url: string, body?: object): Promise<T> {
  const signal = AbortSignal.timeout(COMMAND_MS_MAX)
  const response = await fetch(url, { method, signal, body: body && JSON.stringify(body) })
  const { value } = (await response.json()) as { value: T & { error?: string; message?: string } } // as specified
  if (!response.ok) throw new Error(`${new URL(url).pathname}: ${value.error} ${value.message}`)
  return value
}
