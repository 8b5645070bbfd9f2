import type { Item } from "./inputs/items.ts"
import { type Environment, SmallApp } from "./small-app.ts"

/** The page of inputs and its documents. */
export class InputsServer {
  readonly url: string
  readonly #app: SmallApp

  private constructor(app: SmallApp) {
    this.#app = app
    this.url = app.url
  }

  static async start(environment: Environment = "production"): Promise<InputsServer> {
    return new InputsServer(await SmallApp.start("e2e/inputs", environment))
  }

  /** Makes the document, with rows 1 to `count` that have this title. */
  async fill({ doc, count, title }: { doc: string; count: number; title: string }): Promise<void> {
    await this.#post("fill", { doc, count: `${count}`, title })
  }

  /** Another user renames a row. */
  async rename({ doc, id, title }: { doc: string; id: number; title: string }): Promise<void> {
    await this.#post("rename", { doc, id: `${id}`, title })
  }

  async rows(doc: string): Promise<Item[]> {
    return (await fetch(`${this.url}/rows?doc=${doc}`)).json() as Promise<Item[]> // what inputs/server.ts answers
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#app[Symbol.asyncDispose]()
  }

  async #post(path: string, args: Record<string, string>): Promise<void> {
    const response = await fetch(`${this.url}/${path}?${new URLSearchParams(args)}`, { method: "POST" })
    const outcome = await response.text()
    if (JSON.parse(outcome).type !== "applied") throw new Error(`${path}: the server answered ${outcome}`)
  }
}
