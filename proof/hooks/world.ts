// One run: a page, its browser and its server, what is done to them, and what must hold all the while (H1 to H5).

import type { LfError } from "@lf/core"
import { compileQuery, toLfError } from "@lf/core/internal"
import type { SeededRandom } from "@lf/core/testing"
import { dehydrate, hydrate, QueryClient } from "@tanstack/react-query"
import { act, createElement } from "react"
import { createRoot, type Root } from "react-dom/client"
import { bindingOf } from "../../packages/react/src/hooks/query-binding.ts"
import { beginRun, clock, inTime } from "./globals.ts"
import { App, type Handlers, type Scene, Screen, type Shown } from "./page.tsx"
import { pageTimers } from "./process-host.ts"
import { everything, Put, type PutArgs, queries, type Stored } from "./shop.ts"
import { type Instances, SimBrowser } from "./sim-page.ts"
import { type Doc, docs, SimServer } from "./sim-server.ts"

/** No query of an enabled observer may be pending for longer, whatever the worker does. */
const PENDING_MS_MAX = 75_000
/** Faults are over: everything must have come together by then. */
const QUIET_MS = 150_000
/** Enough for a working worker to send what is pending. */
const VISIT_MS = 10_000
/** Milliseconds between two checks, also while nothing happens. */
const LOOK_MS = 500
const QUIET_LOOK_MS = 3_000
/** Its gcTime, and a little. */
const TANSTACK_KEEPS_MS = 310_000

interface Call {
  readonly what: string
  readonly args: PutArgs | null
  /** The document of the hooks that made it. */
  readonly by: Handlers["document"] | null
  settled: number
  error: LfError | null
  /** The server's decision: null: none yet. */
  outcome: string | null
  /** Its change may have been discarded by the user, or done although no answer came. */
  isOpen: boolean
}

export class World {
  readonly screen = new Screen()
  readonly server: SimServer
  readonly browser: SimBrowser
  readonly random: SeededRandom
  readonly #client: QueryClient | null
  readonly #isStrict: boolean
  readonly #calls: Call[] = []
  readonly #pendingSinceMs = new Map<string, number>()
  readonly #print: (line: string) => void
  #root: Root | null = null
  readonly #timers = pageTimers()
  #ids = 0
  violation: string | null = null

  constructor(random: SeededRandom, instances: Instances, print: (line: string) => void) {
    beginRun(random.fork())
    this.random = random
    const startMs = performance.now()
    this.#print = (line) => print(`${Math.round(performance.now() - startMs)} ${line}`)
    this.#isStrict = random.chance(0.5)
    this.#client = random.chance(0.6) ? clientOf(random) : null
    this.server = new SimServer(random.fork(), instances.load)
    this.browser = new SimBrowser(random.fork(), instances.load, this.server, this.#print)
    this.screen.onOpen = (handlers) => this.put(handlers, "mutate", "kept")
    this.screen.onSettled = (id, error) => this.#settledById(id, error)
    this.screen.onCaught = (error) => {
      const { code } = toLfError(error, "WORKER_FAILED")
      if (code === "PROVIDER_MISSING") this.#fail("H7", "what suspends below a provider gets PROVIDER_MISSING")
    }
  }

  get callCount(): number {
    return this.#calls.length
  }

  async start(scene: Scene): Promise<void> {
    await inTime(this.server.start())
    const container = document.createElement("div")
    document.body.append(container)
    this.screen.scene = scene
    await act(async () => {
      this.#root = createRoot(container)
      const { screen, browser } = this
      this.#root.render(
        createElement(App, { screen, connect: browser.connect, client: this.#client, isStrict: this.#isStrict }),
      )
    })
  }

  /** Does something to the world, and looks. */
  async step(name: string, work: () => unknown): Promise<void> {
    if (this.violation !== null) return
    this.#print(name)
    await act(async () => {
      await work()
      await clock.tickAsync(0)
    })
    this.#look()
  }

  async advance(ms: number, lookMs = LOOK_MS): Promise<void> {
    for (let left = ms; left > 0 && this.violation === null; left -= lookMs) {
      await act(async () => {
        await clock.tickAsync(Math.min(left, lookMs))
      })
      this.#look()
    }
  }

  go(change: Partial<Scene>, how: "now" | "transition"): void {
    this.screen.go({ ...this.screen.scene, ...change }, how)
  }

  /** Handlers of the newest render, or of an older one that was kept. */
  handlers(back: number): Handlers | undefined {
    const { handlers } = this.screen
    return handlers[Math.max(0, handlers.length - 1 - back)]
  }

  put(handlers: Handlers, how: "mutate" | "mutateAsync" | "document", fate: string): void {
    const { doc, user } = handlers
    const args: PutArgs = { id: `i${++this.#ids}`, doc, user, fate }
    const call = this.#open(`${how} ${args.id} in ${doc} as ${user}`, args, handlers.document)
    if (how === "mutate") handlers.mutate(args)
    else if (how === "mutateAsync") this.#follow(call, handlers.mutateAsync(args))
    else this.#follow(call, handlers.document.mutate(Put, args))
  }

  track(what: string, promise: Promise<unknown>): void {
    const call = this.#open(what, null)
    promise.then(
      () => call.settled++,
      (error: unknown) => {
        call.settled++
        call.error = toLfError(error, "WORKER_FAILED")
      },
    )
  }

  /**
   * The user forgets the document: what was not decided by the time it is done may be gone. What this document's own hooks
   * called after it comes after it.
   */
  clear(handlers: Handlers, pending: "refuse" | "discard"): void {
    const { doc, user } = handlers
    const before = new Set(this.#calls)
    const cleared = handlers.document.clear({ pending })
    this.track(`clear ${doc} of ${user}`, cleared)
    if (pending === "refuse") return
    const open = () => {
      for (const call of this.#calls) {
        if (call.by === handlers.document && !before.has(call)) continue
        const isTheirs = call.args?.doc === doc && (call.args.user === user || call.args.user === null)
        if (isTheirs && call.outcome !== "applied" && call.outcome !== "rejected") call.isOpen = true
      }
    }
    cleared.then(open, open)
  }

  cache(what: "clear" | "reset" | "invalidate" | "remove" | "refetch" | "hydrate"): void {
    const client = this.#client
    if (client === null) return
    const filters = { queryKey: ["lf"] }
    if (what === "clear") client.clear()
    else if (what === "reset") this.track("resetQueries", client.resetQueries(filters))
    else if (what === "invalidate") this.track("invalidateQueries", client.invalidateQueries(filters))
    else if (what === "remove") client.removeQueries({ ...filters, type: "inactive" })
    else if (what === "refetch") this.track("refetchQueries", client.refetchQueries(filters))
    else hydrate(client, dehydrate(client))
  }

  /** No faults any more: everything settles, loads and agrees. Then the page is left. */
  async finish(): Promise<void> {
    await this.step("quiet", () => {
      this.browser.loads = true
      this.browser.isHung = false
      this.server.mood = "welcomes"
      this.server.network.setOnline(true)
      window.dispatchEvent(new Event("online"))
    })
    // What is hidden counts as left: it is looked at below, when nothing may be left of it. Where a wrong one suspends, the
    // boundary's retry never comes to rest.
    const { suspends } = this.screen.scene
    const comesToRest = { isMounted: true, isHidden: false, suspends: suspends === "wrong" ? null : suspends }
    await this.step("show", () => this.go(comesToRest, "now"))
    await this.advance(QUIET_MS, QUIET_LOOK_MS)
    if (this.violation === null) this.#checkAtRest()
    // What was written before signing in went over to ann (T26): it waits for her visit.
    for (const doc of docs) {
      await this.step(`ann comes to ${doc}`, () => this.go({ doc, user: "ann" }, "now"))
      await this.advance(VISIT_MS, QUIET_LOOK_MS)
    }
    if (this.violation === null) for (const doc of docs) this.#checkStored(doc)
    await this.step("leave", () => this.go({ isMounted: false }, "now"))
    await this.advance(20_000, QUIET_LOOK_MS)
    if (this.violation === null) this.#checkNothingLeft()
    await this.#end()
  }

  /** Nothing of this run may reach the next one, whatever was found. */
  async #end(): Promise<void> {
    await act(async () => this.#root?.unmount())
    await inTime(this.server.stop())
    this.browser.kill()
    await clock.tickAsync(TANSTACK_KEEPS_MS)
    this.#client?.clear()
    const queries = this.#client === null ? 0 : bindingOf(this.#client).queryCount
    if (queries > 0) this.#fail("H5", `${queries} queries are kept for an empty cache`)
    const timers = pageTimers() - this.#timers
    if (timers > 0) this.#fail("H5", `${timers} timers run for a page that is left`)
  }

  #open(what: string, args: PutArgs | null, by: Call["by"] = null): Call {
    const call: Call = { what, args, by, settled: 0, error: null, outcome: null, isOpen: false }
    this.#calls.push(call)
    return call
  }

  #follow(call: Call, promise: Promise<{ remote: Promise<{ type: string }> }>): void {
    promise.then(
      async ({ remote }) => {
        call.settled++
        call.outcome = (await remote).type
      },
      (error: unknown) => {
        call.settled++
        call.error = toLfError(error, "WORKER_FAILED")
      },
    )
  }

  /** A hook's own `onSettled`: of `mutate` it is the only answer. */
  #settledById(id: string, error: LfError | null): void {
    const call = this.#calls.find(({ args }) => args?.id === id)
    if (call === undefined || !call.what.startsWith("mutate ")) return
    call.settled++
    call.error = error
  }

  #fail(law: string, what: string): void {
    this.violation ??= `${law}: ${what}`
  }

  /** What must hold at every moment. */
  #look(): void {
    for (const call of this.#calls) if (call.settled > 1) this.#fail("H1", `${call.what} settled ${call.settled} times`)
    const nowMs = performance.now()
    for (const [id, shown] of this.screen.shown) {
      if (!shown.isPending || !shown.isEnabled) this.#pendingSinceMs.delete(id)
      else if (!this.#pendingSinceMs.has(id)) this.#pendingSinceMs.set(id, nowMs)
      else if (nowMs - (this.#pendingSinceMs.get(id) ?? nowMs) > PENDING_MS_MAX) {
        this.#fail("H3", `${shown.name} of ${shown.doc} is pending for more than ${PENDING_MS_MAX} ms`)
      }
    }
    for (const id of this.#pendingSinceMs.keys()) if (!this.screen.shown.has(id)) this.#pendingSinceMs.delete(id)
  }

  #checkAtRest(): void {
    const { screen } = this
    for (const call of this.#calls)
      if (call.settled !== 1) this.#fail("H1", `${call.what} settled ${call.settled} times`)
    if (screen.fallbacks > 0) this.#fail("H3", `${screen.fallbacks} boundaries wait: ${JSON.stringify(screen.scene)}`)
    if (screen.isInTransition) this.#fail("H3", `a transition never ends: ${JSON.stringify(screen.scene)}`)
    const { shows, suspends } = screen.scene
    const wanted = shows.length + (suspends === null ? 0 : 1)
    if (screen.shown.size < wanted)
      this.#fail("H3", `${screen.shown.size} of ${wanted} queries are shown: ${JSON.stringify(screen.scene)}`)
    for (const shown of screen.shown.values()) this.#checkShown(shown)
    const enabled = [...screen.shown.values()].filter(({ isEnabled }) => isEnabled)
    const distinct = new Set(enabled.map(({ name, min }) => compileQuery(queries[name](min)).sql + min))
    const { liveQueries } = this.browser
    if (liveQueries > distinct.size) this.#fail("H5", `${liveQueries} queries run, ${distinct.size} are looked at`)
  }

  /** What is shown is what a fresh query answers (and so the server's: nothing is pending any more). */
  #checkShown(shown: Shown): void {
    const violation = this.#violationOf(shown)
    if (violation !== null) this.#fail(...violation)
  }

  #violationOf({
    doc,
    name,
    min,
    isEnabled,
    isPending,
    isFetching,
    rows,
    error,
  }: Shown): [law: string, what: string] | null {
    if (!isEnabled) return isFetching ? ["H4", `${name} is disabled and fetches`] : null
    if (isPending) return ["H3", `${name} of ${doc} waits for ever`]
    if (name === "wrong") return error?.code === "SQL_ERROR" ? null : ["H3", `a wrong query ends with ${error}`]
    if (error !== null) return ["H3", `${name} of ${doc} ends with ${error}`]
    if (name === "clock") {
      const ageMs = Date.now() - Number(rows?.[0]?.id) * 1000
      return ageMs > 4_000 ? ["H4", `rows that depend on the time are ${ageMs} ms old`] : null
    }
    const [is, fresh] = [rows, this.server.remote(doc).query(queries[name](min))].map((all) => JSON.stringify(all))
    return is === fresh ? null : ["I6", `${name} of ${doc} shows ${is}, fresh is ${fresh}`]
  }

  #checkStored(doc: Doc): void {
    const rows = this.server.remote(doc).query<Stored>(everything)
    for (const row of rows) {
      if (row.doc !== doc) this.#fail("H2", `${row.id}, made in ${row.doc}, is in ${doc}`)
      // A user who signs in takes over what was written signed out (T26).
      const isTheirs = row.author === row.user || row.user === null
      if (!isTheirs) this.#fail("H2", `${row.id} of ${row.user} was written as ${row.author}`)
    }
    for (const { what, args, error, isOpen, outcome } of this.#calls) {
      if (args === null || args.doc !== doc) continue
      const count = rows.filter(({ id }) => id === args.id).length
      if (count > 1) this.#fail("I9", `${what} is there ${count} times`)
      if (error?.message.startsWith("no answer") && !this.browser.wasAway)
        this.#fail("H1", `${what} ends with ${error}`)
      if (isOpen || (error !== null && isUndecided(error))) continue
      const isKept = error === null && args.fate === "kept"
      if (isKept !== (count === 1)) {
        this.#fail("H1", `${what} (${args.fate}) ended with ${error ?? outcome ?? "kept"} and is there ${count} times`)
      }
    }
  }

  #checkNothingLeft(): void {
    const { liveQueries, openPorts, tabs } = this.browser
    if (liveQueries > 0) this.#fail("H5", `${liveQueries} queries run for a page that shows nothing`)
    if (tabs > 0) this.#fail("H5", `the worker keeps ${tabs} tabs for a page that shows nothing`)
    if (openPorts > 0) this.#fail("H5", `${openPorts} ports are open for a page that shows nothing`)
    if (this.#client !== null) {
      const { documentCount } = bindingOf(this.#client)
      if (documentCount > 0) this.#fail("H5", `${documentCount} documents are kept for a page that shows nothing`)
    }
  }
}

/** No answer came in time: it may have been done. */
function isUndecided(error: LfError): boolean {
  return error.code === "WORKER_FAILED" && error.message.includes("may still")
}

/** A client as apps have them, some with hashes of their own. */
function clientOf(random: SeededRandom): QueryClient {
  const queryKeyHashFn = (key: readonly unknown[]) => `own ${JSON.stringify(key).length} ${JSON.stringify(key)}`
  return new QueryClient(random.chance(0.3) ? { defaultOptions: { queries: { queryKeyHashFn } } } : {})
}
