import { expect } from "@playwright/test"
import type { TabDriver } from "./engine.ts"
import { clicks, ENTER, keys } from "./input.ts"

const WAIT = { timeout: 20_000, intervals: [20, 50, 100, 200] }
const byTestId = (id: string) => `[data-testid="${id}"]`
const newTodo = byTestId("new-todo")

/** A list's page in a tab, as its user sees and uses it: what TodoPage is in Chromium. */
export class ListTab {
  readonly #driver: TabDriver
  #isClosed = false

  constructor(driver: TabDriver) {
    this.#driver = driver
  }

  /** Until the rows are there: before that the page is the server's, and keys would go nowhere. */
  async goto(url: string): Promise<void> {
    await this.#driver.goto(url)
    await this.#isReady()
  }

  /** To any page of the app. */
  async visit(url: string): Promise<void> {
    await this.#driver.goto(url)
  }

  /** A PNG of what it shows. */
  async picture(): Promise<Buffer> {
    return Buffer.from(await this.#driver.picture(), "base64")
  }

  async reload(): Promise<void> {
    await this.#driver.reload()
    await this.#isReady()
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    await this.#driver.close()
  }

  /** Runs `work` in the page; what it takes and answers is JSON. */
  async evaluate<A, T>(work: (arg: A) => T | Promise<T>, arg: A): Promise<T> {
    const call = `(${work})(${JSON.stringify(arg)})`
    return JSON.parse(await this.#driver.evaluate(`JSON.stringify((await ${call}) ?? null)`)) as T // what `work` answered
  }

  texts(testId: string): Promise<string[]> {
    const read = (css: string) => Array.from(document.querySelectorAll(css), (one) => one.textContent ?? "")
    return this.evaluate(read, byTestId(testId))
  }

  /** Adds it as a user does, until it is shown. */
  async add(title: string): Promise<void> {
    await this.write(title)
    try {
      await expect.poll(() => this.texts("todo-title"), WAIT).toContain(title)
    } catch (cause) {
      throw new Error(`"${title}" is not shown; of the page: ${JSON.stringify(await this.#state())}`, { cause })
    }
  }

  async write(title: string): Promise<void> {
    await this.#fill(title)
    await this.type(ENTER)
    await expect.poll(() => this.#typed(), WAIT).toBe("")
  }

  async type(text: string): Promise<void> {
    await this.#driver.perform([keys(text)])
  }

  async click(css: string, { index = 0, count = 1 } = {}): Promise<void> {
    await this.#driver.perform([clicks(await this.#middleOf(css, index), count)])
  }

  async switchOffline(): Promise<void> {
    await this.click(byTestId("offline-switch"))
  }

  /** Puts the row's title into its field; the caret is somewhere in it. */
  async edit(title: string): Promise<void> {
    const index = (await this.texts("todo-title")).indexOf(title)
    await this.click(byTestId("todo-title"), { index, count: 2 })
    await expect.poll(() => this.texts("todo-edit"), WAIT).toHaveLength(1)
  }

  async shows(titles: readonly string[]): Promise<void> {
    await expect.poll(() => this.texts("todo-title"), WAIT).toEqual(titles)
  }

  async isPending(count: number): Promise<void> {
    await expect.poll(() => this.texts("pending-count"), WAIT).toEqual([String(count)])
  }

  async isSynced(): Promise<void> {
    const status = () => {
      const badge = document.querySelector<HTMLElement>('[data-testid="connection-status"]')
      return badge?.dataset.status
    }
    await expect.poll(() => this.evaluate(status, null), { ...WAIT, timeout: 30_000 }).toBe("connected")
    await this.isPending(0)
  }

  /** The service worker can answer for the server, and has all that it needs. */
  async isInstalled(): Promise<void> {
    await expect
      .poll(
        () =>
          this.evaluate(async () => {
            await navigator.serviceWorker.ready
            return navigator.serviceWorker.controller !== null
          }, null),
        WAIT,
      )
      .toBe(true)
  }

  /** From now on the page counts the mutations that survive a crash here; `durableCount` says how many. */
  async countDurable(): Promise<void> {
    await this.evaluate(() => {
      const scope = window as unknown as { durableCount: number }
      scope.durableCount = 0
      new PerformanceObserver((list) => {
        scope.durableCount += list.getEntriesByName("lf.durable").length
      }).observe({ entryTypes: ["measure"] })
    }, null)
  }

  async isDurable(count: number): Promise<void> {
    const read = () => (window as unknown as { durableCount: number }).durableCount
    await expect.poll(() => this.evaluate(read, null), { ...WAIT, intervals: [10] }).toBe(count)
  }

  /** Twice when it must: WebKitGTK's driver can lose all keys while another window closes. */
  async #fill(text: string): Promise<void> {
    for (const timeout of [3_000, 20_000]) {
      await this.click(newTodo)
      await this.type(text)
      try {
        return await expect.poll(() => this.#typed(), { ...WAIT, timeout }).toBe(text)
      } catch (cause) {
        const typed = await this.#typed()
        if (typed !== "") throw new Error(`of the keys "${text}" the field has "${typed}"`, { cause })
      }
    }
    throw new Error(`the keys "${text}" were lost twice`)
  }

  #typed(): Promise<string | undefined> {
    return this.evaluate((css) => document.querySelector<HTMLInputElement>(css)?.value, newTodo)
  }

  /** What says whether keys were lost or the worker is. */
  #state(): Promise<object> {
    return this.evaluate(() => {
      const { activeElement: focused } = document
      const badge = document.querySelector<HTMLElement>('[data-testid="connection-status"]')
      return {
        focused: focused?.className,
        typed: focused instanceof HTMLInputElement ? focused.value : null,
        hasFocus: document.hasFocus(),
        status: badge?.dataset.status,
        pending: document.querySelector('[data-testid="pending-count"]')?.textContent,
        error: document.querySelector('[data-testid="error-notice"]')?.textContent,
      }
    }, null)
  }

  async #isReady(): Promise<void> {
    const isReady = () =>
      document.querySelector('[data-testid="new-todo"]') !== null &&
      document.querySelector('[aria-busy="true"]') === null
    await expect.poll(() => this.evaluate(isReady, null), WAIT).toBe(true)
  }

  async #middleOf(css: string, index: number): Promise<{ x: number; y: number }> {
    const middle = ([css, index]: [string, number]) => {
      const element = document.querySelectorAll(css)[index]
      if (element === undefined) return null
      element.scrollIntoView({ block: "nearest" })
      const { left, top, width, height } = element.getBoundingClientRect()
      return { x: left + width / 2, y: top + height / 2 }
    }
    const found = await this.evaluate<[string, number], { x: number; y: number } | null>(middle, [css, index])
    if (found === null) throw new Error(`there is no ${css} with the number ${index}`)
    return found
  }
}
