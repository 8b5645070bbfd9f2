import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { Bidi } from "./bidi.ts"
import type { Engine, EngineBrowser, LaunchOptions, TabDriver } from "./engine.ts"
import type { InputSource } from "./input.ts"
import { ProcessGroup } from "./process-group.ts"

/**
 * No requests of its own, no questions after a kill, no pages and processes that no scene needs. What else a driver wants,
 * Firefox sets itself.
 */
const PREFS = {
  "app.normandy.enabled": false,
  "browser.aboutwelcome.enabled": false,
  "browser.newtabpage.enabled": false,
  "browser.sessionstore.resume_from_crash": false,
  "browser.startup.page": 0,
  "datareporting.policy.dataSubmissionEnabled": false,
  "dom.ipc.processPrelaunch.enabled": false,
  "network.captive-portal-service.enabled": false,
  "network.connectivity-service.enabled": false,
  "services.settings.server": "data:,",
  "toolkit.startup.max_resumed_crashes": -1,
}

/** Firefox, over the WebDriver BiDi that is built in. */
export function firefox(path: string): Engine {
  return {
    name: "Firefox",
    cacheFolder: "cache2",
    hasKnownPrivateWindows: true,
    async launch(folder, { isPrivate, lacksSharedWorker }) {
      mkdirSync(folder, { recursive: true })
      const prefs = { ...PREFS, "browser.privatebrowsing.autostart": isPrivate }
      const lines = Object.entries(prefs).map(([name, value]) => `user_pref("${name}", ${JSON.stringify(value)});\n`)
      writeFileSync(join(folder, "user.js"), lines.join(""))
      const size = ["--width", "800", "--height", "600"]
      const args = ["--headless", ...size, "--no-remote", "--profile", folder, "--remote-debugging-port", "0"]
      const group = new ProcessGroup(path, args)
      try {
        const address = await group.says(/WebDriver BiDi listening on (\S+)/)
        return await Firefox.connect(group, `${address}/session`, { lacksSharedWorker })
      } catch (error) {
        await group.kill()
        throw error
      }
    },
  }
}

class Firefox implements EngineBrowser {
  readonly version: string
  readonly #group: ProcessGroup
  readonly #bidi: Bidi

  private constructor(group: ProcessGroup, bidi: Bidi, version: string) {
    this.#group = group
    this.#bidi = bidi
    this.version = version
  }

  static async connect(
    group: ProcessGroup,
    url: string,
    { lacksSharedWorker }: Pick<LaunchOptions, "lacksSharedWorker">,
  ): Promise<Firefox> {
    const bidi = await Bidi.connect(url)
    type Session = { capabilities: { browserVersion: string } }
    const { capabilities } = await bidi.send<Session>("session.new", { capabilities: {} })
    // It has no setting for that. Before any script of a page:
    const remove = "() => { delete window.SharedWorker }"
    if (lacksSharedWorker) await bidi.send("script.addPreloadScript", { functionDeclaration: remove })
    return new Firefox(group, bidi, capabilities.browserVersion)
  }

  async openTab(): Promise<TabDriver> {
    const { context } = await this.#bidi.send<{ context: string }>("browsingContext.create", { type: "tab" })
    return new FirefoxTab(this.#bidi, context)
  }

  async quit(): Promise<void> {
    await this.#bidi.send("browser.close", {})
    await this.#group.ends(15_000)
    await this.kill()
  }

  async kill(): Promise<void> {
    await this.#group.kill()
    this.#bidi.close()
  }
}

type Evaluated =
  | { type: "success"; result: { value: string } }
  | { type: "exception"; exceptionDetails: { text: string } }

class FirefoxTab implements TabDriver {
  readonly #bidi: Bidi
  readonly #context: string

  constructor(bidi: Bidi, context: string) {
    this.#bidi = bidi
    this.#context = context
  }

  async goto(url: string): Promise<void> {
    await this.#bidi.send("browsingContext.navigate", { context: this.#context, url, wait: "complete" })
  }

  async reload(): Promise<void> {
    await this.#bidi.send("browsingContext.reload", { context: this.#context, wait: "complete" })
  }

  async evaluate(expression: string): Promise<string> {
    const evaluated = await this.#bidi.send<Evaluated>("script.callFunction", {
      functionDeclaration: `async () => (${expression})`,
      target: { context: this.#context },
      awaitPromise: true,
    })
    if (evaluated.type === "exception") throw new Error(evaluated.exceptionDetails.text)
    return evaluated.result.value
  }

  async perform(sources: readonly InputSource[]): Promise<void> {
    await this.#bidi.send("input.performActions", { context: this.#context, actions: sources })
  }

  async picture(): Promise<string> {
    const context = this.#context
    const { data } = await this.#bidi.send<{ data: string }>("browsingContext.captureScreenshot", { context })
    return data
  }

  async close(): Promise<void> {
    await this.#bidi.send("browsingContext.close", { context: this.#context })
  }
}
