import { expect, type Page } from "@playwright/test"
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

/** Resolves when the mutation's promise has: from then on it must never be lost. */
export async function write(page: Page, ...texts: string[]): Promise<void> {
  for (const text of texts) {
    await page.getByRole("textbox").fill(text)
    await page.getByRole("textbox").press("Enter")
    await expect(page.getByTestId("kept")).toHaveText(new RegExp(`(^|,)${text}$`), { timeout: 20_000 })
  }
}

export async function shows(page: Page, rows: readonly string[]): Promise<void> {
  await expect(page.getByRole("listitem")).toHaveText([...rows], { timeout: 20_000 })
}
