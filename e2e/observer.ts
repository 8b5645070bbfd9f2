import type { BrowserContext, Page } from "@playwright/test"

/** What pages of the app wrote, and which promises resolved. Titles are never used twice. */
export class Promises {
  readonly asked = new Set<string>()
  /** Their promise has resolved and the test has seen it: they must never be lost. */
  readonly kept = new Set<string>()

  listen(page: Page): void {
    page.on("console", (message) => {
      const [, word, title] = /^lf-(asked|kept|failed) (.*)$/.exec(message.text()) ?? []
      if (word === "asked") this.asked.add(title)
      if (word === "kept") this.kept.add(title)
    })
  }
}

/** Watches the tab's port to its worker: a mutation's promise resolves with the worker's "mutated", and with nothing else. */
export async function observePorts(context: BrowserContext): Promise<void> {
  await context.addInitScript(() => {
    const titles = new Map<string, string>()
    const post = MessagePort.prototype.postMessage
    MessagePort.prototype.postMessage = function (this: MessagePort, message: unknown, ...rest: []) {
      const { type, uid, args } = (message ?? {}) as { type?: string; uid: string; args: { title?: string } }
      // React's scheduler has ports as well.
      if (type === "mutate" && args.title !== undefined && !titles.has(uid)) {
        titles.set(uid, args.title)
        console.debug(`lf-asked ${args.title}`)
      }
      return post.call(this, message, ...rest)
    }
    const handler = Object.getOwnPropertyDescriptor(MessagePort.prototype, "onmessage")
    Object.defineProperty(MessagePort.prototype, "onmessage", {
      configurable: true,
      get: handler?.get,
      set(this: MessagePort, listener: (event: MessageEvent) => void) {
        handler?.set?.call(this, (event: MessageEvent) => {
          const { type, uid, error } = event.data ?? {}
          listener.call(this, event)
          const title = titles.get(uid)
          if (type === "mutated" && title !== undefined)
            console.debug(`lf-${error === null ? "kept" : "failed"} ${title}`)
        })
      },
    })
  })
}

/** Types titles into the page's own input, one each `everyMs`, until there are 25, or the page is gone, or `stopWriting`. */
export async function startWriting(page: Page, prefix: string, everyMs: number): Promise<void> {
  await page.evaluate(
    ([name, ms]) => {
      const scope = window as unknown as { stopWriting?: () => void }
      scope.stopWriting?.()
      let count = 0
      const timer = setInterval(() => {
        const input = document.querySelector<HTMLInputElement>('[data-testid="new-todo"]')
        if (input === null || count === 25) return
        input.value = `${name}-${count++}`
        input.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true }))
      }, Number(ms))
      scope.stopWriting = () => clearInterval(timer)
    },
    [prefix, everyMs],
  )
}

export async function stopWriting(page: Page): Promise<void> {
  await page.evaluate(() => (window as unknown as { stopWriting?: () => void }).stopWriting?.())
}
