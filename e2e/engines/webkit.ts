import { fileURLToPath } from "node:url"
import { expect } from "@playwright/test"
import { freePort } from "../server.ts"
import type { Engine, EngineBrowser, TabDriver } from "./engine.ts"
import type { InputSource } from "./input.ts"
import { ProcessGroup } from "./process-group.ts"
import { command, WebDriver } from "./webdriver.ts"

const windowProgram = fileURLToPath(new URL("webkit-window.py", import.meta.url))

interface NewSession {
  readonly sessionId: string
  readonly capabilities: { readonly browserVersion: string }
}

/** WebKitGTK, over WebKitWebDriver. `display` is where its windows are. */
export function webkit(driverPath: string, display: () => Promise<string>): Engine {
  return {
    name: "WebKitGTK",
    // Beside it is CacheStorage: what service workers keep.
    cacheFolder: "cache/WebKitCache",
    hasKnownPrivateWindows: false,
    async launch(folder, { isPrivate, lacksSharedWorker }) {
      const port = await freePort()
      const group = new ProcessGroup(driverPath, [`--port=${port}`], { DISPLAY: await display() })
      try {
        const base = `http://127.0.0.1:${port}`
        await expect.poll(() => answers(`${base}/status`), { timeout: 15_000 }).toBe(true)
        const args = [folder, isPrivate && "--private", lacksSharedWorker && "--no-shared-worker"].filter(Boolean)
        const alwaysMatch = { "webkitgtk:browserOptions": { binary: windowProgram, args } }
        const session = await command<NewSession>("POST", `${base}/session`, { capabilities: { alwaysMatch } })
        return await WebKit.open(group, `${base}/session/${session.sessionId}`, session.capabilities.browserVersion)
      } catch (error) {
        await group.kill()
        throw error
      }
    },
  }
}

/** An X server without a screen: WebKitGTK has no headless mode. */
export class Display {
  #group: ProcessGroup | null = null
  #name: Promise<string> | null = null
  readonly #path: string

  constructor(path: string) {
    this.#path = path
  }

  name(): Promise<string> {
    this.#name ??= this.#start()
    return this.#name
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#group?.kill()
  }

  async #start(): Promise<string> {
    this.#group = new ProcessGroup(this.#path, ["-displayfd", "1", "-screen", "0", "800x600x24", "-nolisten", "tcp"])
    return `:${await this.#group.says(/^(\d+)\n/m)}`
  }
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(url)).ok
  } catch {
    return false
  }
}

class WebKit implements EngineBrowser {
  readonly version: string
  readonly #group: ProcessGroup
  readonly #driver: WebDriver
  /** The driver opens a window only from another one: this one is never used for anything else. */
  readonly #firstWindow: string

  private constructor(group: ProcessGroup, driver: WebDriver, firstWindow: string, version: string) {
    this.#group = group
    this.#driver = driver
    this.#firstWindow = firstWindow
    this.version = version
  }

  static async open(group: ProcessGroup, address: string, version: string): Promise<WebKit> {
    const driver = new WebDriver(address)
    return new WebKit(group, driver, await driver.get<string>("/window"), version)
  }

  async openTab(): Promise<TabDriver> {
    const { handle } = await this.#driver.alone(async () => {
      await this.#driver.post("/window", { handle: this.#firstWindow })
      return await this.#driver.post<{ handle: string }>("/window/new", { type: "window" })
    })
    return new WebKitTab(this.#driver, handle)
  }

  async quit(): Promise<void> {
    await this.#driver.alone(() => this.#driver.delete(""))
    await this.kill()
  }

  /** The driver has started the browser: one group. */
  async kill(): Promise<void> {
    await this.#group.kill()
  }
}

class WebKitTab implements TabDriver {
  readonly #driver: WebDriver
  readonly #handle: string

  constructor(driver: WebDriver, handle: string) {
    this.#driver = driver
    this.#handle = handle
  }

  async goto(url: string): Promise<void> {
    await this.#here(() => this.#driver.post("/url", { url }))
  }

  async reload(): Promise<void> {
    await this.#here(() => this.#driver.post("/refresh"))
  }

  async evaluate(expression: string): Promise<string> {
    const script = `const done = arguments[0]
      ;(async () => (${expression}))().then((text) => done([text]), (error) => done([null, String(error)]))`
    const [text, error] = await this.#here(() =>
      this.#driver.post<[string | null, string?]>("/execute/async", { script, args: [] }),
    )
    if (text === null) throw new Error(error)
    return text
  }

  async perform(sources: readonly InputSource[]): Promise<void> {
    await this.#here(() => this.#driver.post("/actions", { actions: sources }))
  }

  async picture(): Promise<string> {
    return await this.#here(() => this.#driver.get<string>("/screenshot"))
  }

  async close(): Promise<void> {
    await this.#here(() => this.#driver.delete("/window"))
  }

  #here<T>(work: () => Promise<T>): Promise<T> {
    return this.#driver.alone(async () => {
      await this.#driver.post("/window", { handle: this.#handle })
      return await work()
    })
  }
}
