import { type Browser, expect, type Page } from "@playwright/test"

type State = "online" | "offline"

/** e2e/scenes/app/offline as its user sees it. */
export class NetworkPage {
  readonly page: Page

  private constructor(page: Page) {
    this.page = page
  }

  static async open(browser: Browser, url: string): Promise<NetworkPage> {
    const page = await (await browser.newContext()).newPage()
    await page.goto(`${url}/offline`)
    const opened = new NetworkPage(page)
    await opened.says({ next: "online", lf: "online" })
    return opened
  }

  get served() {
    return this.page.getByText("served by the server")
  }

  async says({ next, lf }: { readonly next: State; readonly lf: State }): Promise<void> {
    const status = lf === "online" ? "connected" : "offline"
    await expect(this.page.getByTestId("lf")).toHaveText(status, { timeout: 20_000 })
    await expect(this.page.getByTestId("next")).toHaveText(next, { timeout: 10_000 })
  }

  async click(button: "add" | "ask" | "add on the server"): Promise<void> {
    await this.page.getByRole("button", { name: button, exact: true }).click()
  }

  async navigate(): Promise<void> {
    await this.page.getByRole("link", { name: "served" }).click()
  }

  async shows(todos: readonly string[], { unsent }: { readonly unsent: number }): Promise<void> {
    await expect(this.page.getByTestId("todos")).toHaveText(todos.join())
    await expect(this.page.getByTestId("pending")).toHaveText(String(unsent))
  }

  async answers(button: "ask" | "add on the server", answer: string): Promise<void> {
    await expect(this.page.getByLabel(`answer to ${button}`, { exact: true })).toHaveText(answer)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.page.context().close()
  }
}
