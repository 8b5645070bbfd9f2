import { type Browser, expect, type Page } from "@playwright/test"

/** e2e/scenes/app/transitions as its user sees it. */
export class TransitionsPage {
  readonly page: Page

  private constructor(page: Page) {
    this.page = page
  }

  static async open(browser: Browser, url: string): Promise<TransitionsPage> {
    const page = await (await browser.newContext()).newPage()
    await page.addInitScript(watch)
    await page.goto(`${url}/transitions`)
    await expect(page.getByTestId("newest")).not.toHaveText("waiting", { timeout: 20_000 })
    return new TransitionsPage(page)
  }

  get rows() {
    return this.page.getByTestId("row")
  }

  get search() {
    return this.page.getByLabel("Search")
  }

  async click(button: "add" | "move" | "plain" | "deferred" | "long"): Promise<void> {
    await this.page.getByRole("button", { name: button, exact: true }).click()
  }

  /** What has arrived, whether the list shows it or not. */
  async knows(titles: readonly string[]): Promise<void> {
    await expect(this.page.getByTestId("newest")).toHaveText(titles.join())
  }

  async shows(titles: readonly string[]): Promise<void> {
    await expect(this.rows).toHaveText([...titles], { timeout: 15_000 })
  }

  /** Waits until no view transition is running, and forgets them: the first rows come in one, if nothing interrupts it. */
  async settles(): Promise<void> {
    await expect.poll(() => this.page.evaluate(() => (window as unknown as Watched).running)).toBe(0)
    await this.page.evaluate(() => {
      ;(window as unknown as Watched).moved.length = 0
    })
  }

  /** Of each view transition since then, the number of rows that it moves. */
  async hasMoved(counts: readonly number[]): Promise<void> {
    await expect.poll(() => this.page.evaluate(() => (window as unknown as Watched).moved)).toEqual(counts)
  }

  /** From the next animation on. */
  async animatesSlowly(): Promise<void> {
    await this.page.addStyleTag({ content: "::view-transition-group(*) { animation-duration: 600s !important }" })
  }

  async finishAnimations(): Promise<void> {
    await this.page.evaluate(() => {
      for (const animation of document.getAnimations()) animation.finish()
    })
  }

  /** Looks again soon: what is noted next may be a second away. */
  async notes(what: string): Promise<void> {
    await expect.poll(() => this.noted(), { intervals: [20] }).toContain(what)
  }

  noted(): Promise<readonly string[]> {
    return this.page.evaluate(() => (window as unknown as Watched).noted)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.page.context().close()
  }
}

interface Watched {
  running: number
  /** One number per view transition; -1: it is being prepared, or was skipped. */
  readonly moved: number[]
  /** Filled by the page. */
  readonly noted: string[]
}

/** Runs in the page before anything else. */
function watch(): void {
  const watched = Object.assign(window, { running: 0, moved: [], noted: [] } as Watched)
  const start = document.startViewTransition.bind(document)
  document.startViewTransition = (options) => {
    watched.running++
    const index = watched.moved.push(-1) - 1
    const transition = start(options)
    transition.ready.then(
      () => {
        watched.moved[index] = document.getAnimations().filter(({ effect }) => {
          if (!(effect instanceof KeyframeEffect)) return false
          const [from, to] = effect.getKeyframes()
          return effect.pseudoElement?.startsWith("::view-transition-group(") && from.transform !== to.transform
        }).length
      },
      () => {},
    )
    void transition.finished.finally(() => watched.running--)
    return transition
  }
}
