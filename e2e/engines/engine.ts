import type { InputSource } from "./input.ts"

export interface LaunchOptions {
  /** As its private windows are. */
  readonly isPrivate: boolean
  /** As where users or an app around the page have switched it off: tabs bring dedicated workers. */
  readonly lacksSharedWorker: boolean
}

/** A browser that the scenes run in. Each speaks the protocol that it has in Debian's package. */
export interface Engine {
  readonly name: string
  /** Starts it on a profile's folder, which is made when it is not there. */
  launch(folder: string, options: LaunchOptions): Promise<EngineBrowser>
  /** Where a profile has its HTTP cache, and nothing else. */
  readonly cacheFolder: string
  /** Whether a page can know that it is in a private window. */
  readonly hasKnownPrivateWindows: boolean
}

export interface EngineBrowser {
  readonly version: string
  openTab(): Promise<TabDriver>
  /** Ends as when its user quits. */
  quit(): Promise<void>
  /** SIGKILL to the browser and everything under it. */
  kill(): Promise<void>
}

/** What a tab's protocol has to offer; everything else is made of it. */
export interface TabDriver {
  /** Resolves when the page is loaded. */
  goto(url: string): Promise<void>
  reload(): Promise<void>
  /** The value of a JavaScript expression that may await and is a text. */
  evaluate(expression: string): Promise<string>
  /** The user's hands. */
  perform(sources: readonly InputSource[]): Promise<void>
  /** A PNG of what the tab shows, as base64. */
  picture(): Promise<string>
  close(): Promise<void>
}
