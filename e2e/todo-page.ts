import { expect, type Page } from "@playwright/test"

/** A list's page as its user sees and uses it. */
export class TodoPage {
  readonly page: Page

  constructor(page: Page) {
    this.page = page
  }

  static async open(page: Page, url: string): Promise<TodoPage> {
    await page.goto(url)
    const todo = new TodoPage(page)
    await expect(todo.input).toBeVisible()
    // Until the rows are there the page is the server's: keys would go nowhere.
    await expect(page.locator('[aria-busy="true"]')).toHaveCount(0, { timeout: 20_000 })
    return todo
  }

  get input() {
    return this.page.getByPlaceholder("What needs to be done?")
  }

  get titles() {
    return this.page.getByTestId("todo-title")
  }

  get status() {
    return this.page.getByTestId("connection-status")
  }

  get pending() {
    return this.page.getByTestId("pending-count")
  }

  row(title: string) {
    return this.page.getByTestId("todo-item").filter({ hasText: title })
  }

  async add(...titles: string[]): Promise<void> {
    for (const title of titles) {
      await this.input.fill(title)
      await this.input.press("Enter")
      await expect(this.row(title)).toHaveCount(1)
    }
  }

  /** A synced todo and a pending one are there after a reload, and no warning says that they might not be. */
  async keepsOverReload(): Promise<void> {
    await this.add("one")
    await this.isSynced()
    await this.page.getByTestId("offline-switch").click()
    await this.add("two")
    await this.page.reload()
    await this.shows(["one", "two"])
    await expect(this.pending).toHaveText("1")
    await expect(this.page.getByTestId("not-durable")).toHaveCount(0)
    await expect(this.page.getByTestId("error-notice")).toHaveCount(0)
  }

  async toggle(title: string): Promise<void> {
    await this.row(title).getByRole("checkbox").click()
  }

  async rename(title: string, to: string): Promise<void> {
    await this.row(title).getByTestId("todo-title").dblclick()
    await this.page.getByTestId("todo-edit").fill(to)
    await this.page.getByTestId("todo-edit").press("Enter")
  }

  async remove(title: string): Promise<void> {
    await this.row(title).hover()
    await this.row(title).getByRole("button").click()
  }

  async shows(titles: readonly string[], timeoutMs = 20_000): Promise<void> {
    await expect(this.titles).toHaveText([...titles], { timeout: timeoutMs })
  }

  /** Waits until nothing is pending and the server is connected. */
  async isSynced(): Promise<void> {
    await expect(this.status).toHaveAttribute("data-status", "connected", { timeout: 30_000 })
    await expect(this.pending).toHaveText("0", { timeout: 30_000 })
  }
}

let lists = 0

/** The address of a list that was never opened. */
export function newListUrl(base: string): string {
  lists++
  return `${base}/l/e2e${process.pid}x${lists}x${Math.floor(performance.now())}`
}
