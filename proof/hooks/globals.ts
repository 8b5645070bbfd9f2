// A page's globals in Node, and a clock that only moves when a command says so. Imported before anything that looks at them.

import { createRequire } from "node:module"
import type { SeededRandom } from "@lf/core/testing"
import { MemoryLocks } from "../../packages/react/src/platform/memory/memory-locks.ts"

interface FakeClock {
  readonly now: number
  tickAsync(ms: number): Promise<number>
  countTimers(): number
  setSystemTime(ms: number): void
  uninstall(): void
}

const require = createRequire(import.meta.url)
/** The fake clock waits for a turn of the event loop with every timer that it fires: a real timer takes a millisecond. */
const realSetTimeout = globalThis.setTimeout
globalThis.setTimeout = ((run: () => void, ms?: number) =>
  ms === undefined || ms === 0 ? setImmediate(run) : realSetTimeout(run, ms)) as typeof setTimeout
const { JSDOM } = require("jsdom") as {
  JSDOM: new (html: string, options: object) => { window: Window & typeof globalThis }
}
const fakeTimers = require("@sinonjs/fake-timers") as { install(options: object): FakeClock }

const { window } = new JSDOM("<!doctype html><body></body>", { url: "https://app.test/", pretendToBeVisual: false })

/** Web Locks, held by the `holder` of the request: all of one holder's locks go when it dies. */
class Locks {
  readonly #locks = new MemoryLocks()
  readonly #held = new Map<string, Set<() => void>>()

  async request(
    name: string,
    options: { signal?: AbortSignal } | (() => unknown),
    granted?: () => unknown,
    holder = "tab",
  ): Promise<void> {
    const callback = typeof options === "function" ? options : granted
    const signal = typeof options === "function" ? undefined : options.signal
    const ownership = await this.#locks.own(name, signal)
    const held = this.#held.get(holder) ?? new Set()
    this.#held.set(holder, held)
    const release = () => {
      held.delete(release)
      ownership.release()
    }
    held.add(release)
    await callback?.()
    release()
  }

  /** Its process is gone. */
  died(holder: string): void {
    for (const release of [...(this.#held.get(holder) ?? [])]) release()
  }
}

export const locks = new Locks()

/** React's act makes one of these at every turn and never closes it: thousands of Node's slow down its event loop. */
class TurnChannel {
  readonly port1: { onmessage: (() => void) | null } = { onmessage: null }
  readonly port2 = { postMessage: () => void setImmediate(() => this.port1.onmessage?.()) }
}

const navigator = { locks, onLine: true, userAgent: window.navigator.userAgent }
for (const [name, value] of Object.entries({
  window,
  document: window.document,
  location: window.location,
  navigator,
  HTMLElement: window.HTMLElement,
  HTMLIFrameElement: window.HTMLIFrameElement,
  Node: window.Node,
  Event: window.Event,
  MessageChannel: TurnChannel,
  isSecureContext: true,
  SharedWorker: class {},
  IS_REACT_ACT_ENVIRONMENT: true,
  reportError: (error: unknown) => console.log("reported", error),
})) {
  Object.defineProperty(globalThis, name, { value, configurable: true, writable: true })
}

const START_MS = 1_750_000_000_000

/** Every timer and every clock of this process. */
export const clock = fakeTimers.install({
  now: START_MS,
  toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "Date", "performance"],
})

/** From here on every run of this seed is the same. */
export function beginRun(random: SeededRandom): void {
  clock.setSystemTime(START_MS)
  Math.random = () => random.unit()
  const getRandomValues = (array: Uint8Array) => {
    array.set(random.bytes(array.length))
    return array
  }
  const randomUUID = () => `00000000-0000-4000-8000-${random.uint32().toString(16).padStart(12, "0")}`
  Object.defineProperty(globalThis, "crypto", { value: { getRandomValues, randomUUID }, configurable: true })
}

/** Lets time pass until the promise settles. */
export async function inTime<T>(promise: Promise<T>): Promise<T> {
  let isSettled = false
  const settle = () => {
    isSettled = true
  }
  promise.then(settle, settle)
  while (!isSettled) await clock.tickAsync(1)
  return await promise
}
