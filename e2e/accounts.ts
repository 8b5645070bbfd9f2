import { SmallApp } from "./small-app.ts"

/** The app with accounts. */
export class AccountsServer {
  readonly url: string
  readonly #app: SmallApp

  private constructor(app: SmallApp) {
    this.#app = app
    this.url = app.url
  }

  static async start(): Promise<AccountsServer> {
    return new AccountsServer(await SmallApp.start("e2e/accounts"))
  }

  /** "down": pages are served, but no connection to a document. The others refuse it. */
  async become(state: "down" | "up" | "forbidden" | "unsure"): Promise<void> {
    await fetch(`${this.url}/${state}`)
  }

  async rows(): Promise<string[]> {
    return (await fetch(`${this.url}/rows`)).json() as Promise<string[]> // what accounts/server.ts answers
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#app[Symbol.asyncDispose]()
  }
}
