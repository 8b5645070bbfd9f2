import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { test } from "@playwright/test"
import type { Engine, EngineBrowser, LaunchOptions } from "./engine.ts"
import { ListTab } from "./list-tab.ts"

/** A profile on disk and its browser, which is started when a tab is opened and none is running. */
export class Profile {
  readonly #folder = mkdtempSync(join(tmpdir(), "lf-engine-"))
  readonly #engine: Engine
  readonly #options: LaunchOptions
  #browser: EngineBrowser | null = null
  #tabs: ListTab[] = []

  constructor(engine: Engine, options: LaunchOptions) {
    this.#engine = engine
    this.#options = options
  }

  /** A tab with the list's page, ready to be used. */
  async open(url: string): Promise<ListTab> {
    if (this.#browser === null) {
      this.#browser = await this.#engine.launch(this.#folder, this.#options)
      test.info().annotations.push({ type: "browser", description: `${this.#engine.name} ${this.#browser.version}` })
    }
    const tab = new ListTab(await this.#browser.openTab())
    this.#tabs.push(tab)
    await tab.goto(url)
    return tab
  }

  async closeTabs(): Promise<void> {
    for (const tab of this.#tabs) await tab.close()
    this.#tabs = []
  }

  async quit(): Promise<void> {
    await this.#browser?.quit()
    this.#forget()
  }

  async kill(): Promise<void> {
    await this.#browser?.kill()
    this.#forget()
  }

  /** The browser must not be running. */
  clearHttpCache(): void {
    // Not there: the folder has another name by now, and the scene would prove nothing.
    rmSync(join(this.#folder, this.#engine.cacheFolder), { recursive: true, maxRetries: 5 })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill()
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 5 })
  }

  #forget(): void {
    this.#browser = null
    this.#tabs = []
  }
}
