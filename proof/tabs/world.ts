import { isLfError, type Outcome } from "@lf/core"
import type { SeededRandom } from "@lf/core/testing"
import { TabDocument } from "../../packages/react/src/tab/tab-document.ts"
import { beginRun, clock, inTime, locks } from "../hooks/globals.ts"
import { everything, Put, queries, type Stored } from "../hooks/shop.ts"
import { type Instances, SimBrowser } from "../hooks/sim-page.ts"
import { SimServer } from "../hooks/sim-server.ts"
import { DedicatedBrowser } from "./dedicated-browser.ts"

const DOC = "a"
/** Faults are over: everything must have come together by then. */
const QUIET_MS = 150_000
const LOOK_MS = 1_000

interface Call {
  readonly id: string
  readonly tab: number
  readonly fate: "kept" | "refused" | "no"
  uid: string | null
  /** What the promise ended with: a code, or "kept". */
  readonly ends: string[]
  readonly outcomes: Outcome[]
}

/** Some tabs of one browser on one document. The tabs are the shipped ones; the transport of their messages is simulated. */
export class TabsWorld {
  readonly #random: SeededRandom
  readonly #server: SimServer
  readonly #browser: SimBrowser | DedicatedBrowser
  readonly #tabs: { document: TabDocument; leave: () => void }[] = []
  readonly #calls: Call[] = []
  /** Uids of rejections that a user has dismissed: their data is gone for authors who have not asked yet. */
  readonly #dismissed = new Set<string>()
  readonly #print: (line: string) => void
  #violation: string | null = null

  constructor(random: SeededRandom, instances: Instances, print: (line: string) => void) {
    beginRun(random.fork())
    this.#random = random
    this.#print = print
    this.#server = new SimServer(random.fork(), instances.load)
    const isShared = random.chance(0.5)
    print(isShared ? "SharedWorker" : "dedicated workers")
    this.#browser = isShared
      ? new SimBrowser(random.fork(), instances.load, this.#server, print)
      : new DedicatedBrowser(random.fork(), instances.load, this.#server, print)
    if (isShared) Object.defineProperty(navigator, "locks", { value: locks, configurable: true })
    this.#browser.repeats = random.pick([0, 0.1, 0.5])
  }

  get callCount(): number {
    return this.#calls.length
  }

  async run(steps: number): Promise<string | null> {
    await inTime(this.#server.start())
    for (let i = 0; i < 3; i++) this.#openTab()
    for (let step = 0; step < steps && this.#violation === null; step++) {
      this.#act()
      await this.#advance(this.#random.pick([0, 0, 3, 40, 3_000]))
    }
    await this.#finish()
    return this.#violation
  }

  #act(): void {
    const random = this.#random
    const browser = this.#browser
    const what = random.weigh({ put: 12, kill: 2, hang: 1, load: 1, network: 1, mood: 1, query: 2, dismiss: 1 })
    this.#print(what)
    if (what === "put") for (let i = 1 + random.below(random.pick([1, 4, 9])); i > 0; i--) this.#put()
    else if (what === "kill") this.#kill()
    else if (what === "hang") browser.isHung = !browser.isHung
    else if (what === "load") browser.loads = !browser.loads
    else if (what === "network") this.#server.network.setOnline(random.chance(0.5))
    else if (what === "mood") this.#server.mood = random.pick(["welcomes", "forbids", "fails"])
    else if (what === "dismiss") this.#dismiss()
    else
      void random
        .pick(this.#tabs)
        .document.requests.query(queries.count())
        .catch(() => {}) // it may end with the worker
  }

  #openTab(): void {
    const document = new TabDocument({
      doc: DOC,
      user: null,
      batch: (run) => run(),
      onIdle: () => {},
      onFollowing: () => {},
    })
    document.use({ worker: this.#connect(), url: "https://app.test/api/lf", auth: undefined })
    const stops = [document.retain(), document.watch(() => {}), document.subscribe(queries.all(), () => {}).stop]
    const leave = () => {
      for (const stop of stops) stop()
    }
    this.#tabs.push({ document, leave })
  }

  /** What the app's `connectWorker` is to one tab. */
  #connect() {
    return this.#browser instanceof DedicatedBrowser ? this.#browser.connect() : this.#browser.connect
  }

  /** Where a worker is gone with the tab that brought it, another tab is opened: one at least could serve. */
  #kill(): void {
    this.#browser.kill()
    if (this.#browser instanceof DedicatedBrowser) this.#openTab()
  }

  #put(): void {
    const random = this.#random
    const tab = random.below(this.#tabs.length)
    const fate = random.pick(["kept", "kept", "kept", "refused", "no"] as const)
    const call: Call = { id: `i${this.#calls.length}`, tab, fate, uid: null, ends: [], outcomes: [] }
    this.#calls.push(call)
    const args = { id: call.id, doc: DOC, user: null, fate }
    this.#tabs[tab].document.mutate(Put, args).then(
      async ({ uid, remote }) => {
        call.uid = uid
        call.ends.push("kept")
        call.outcomes.push(await remote)
      },
      (error: unknown) => {
        call.ends.push(isLfError(error) ? error.code : String(error))
      },
    )
  }

  #dismiss(): void {
    const { document } = this.#random.pick(this.#tabs)
    const rejected = document.known.rejected
    if (rejected.length === 0) return
    const { uid } = this.#random.pick(rejected)
    this.#dismissed.add(uid)
    void document.requests.dismiss(uid).catch(() => {}) // as a query
  }

  async #advance(ms: number): Promise<void> {
    for (let left = ms; left >= 0 && this.#violation === null; left -= LOOK_MS) {
      await clock.tickAsync(Math.min(left, LOOK_MS))
      this.#look()
    }
  }

  async #finish(): Promise<void> {
    this.#print("quiet")
    this.#browser.loads = true
    this.#browser.isHung = false
    this.#server.mood = "welcomes"
    this.#server.network.setOnline(true)
    window.dispatchEvent(new Event("online"))
    await this.#advance(QUIET_MS)
    if (this.#violation === null) this.#checkAtRest()
    for (const { leave } of this.#tabs) leave()
    await clock.tickAsync(20_000)
    const { openPorts, tabs, liveQueries } = this.#browser
    if (openPorts + tabs + liveQueries > 0)
      this.#fail("H5", `${openPorts} ports, ${tabs} tabs and ${liveQueries} queries are left`)
    await inTime(this.#server.stop())
    if (this.#browser instanceof DedicatedBrowser) this.#browser.killAll()
    else this.#browser.kill()
    await clock.tickAsync(1_000)
  }

  #fail(law: string, what: string): void {
    this.#violation ??= `${law}: ${what}`
  }

  /** What must hold at every moment, of the calls and of what each tab's status claims. */
  #look(): void {
    for (const { id, ends, outcomes } of this.#calls) {
      if (ends.length > 1) this.#fail("H1", `${id} ended ${ends.length} times: ${ends.join()}`)
      if (outcomes.length > 1) this.#fail("H1", `${id} was decided ${outcomes.length} times`)
    }
    for (const [i, { document }] of this.#tabs.entries()) {
      const { status, isUpToDate, error } = document.known.state
      if (isUpToDate && status !== "connected") this.#fail("H7", `tab ${i} is up to date, and ${status}`)
      if (status === "connected" && error !== null) this.#fail("H7", `tab ${i} is connected, with ${error.code}`)
    }
  }

  #checkAtRest(): void {
    const rows = this.#server.remote(DOC).query<Stored>(everything)
    const places = new Map(rows.map(({ id }, i) => [id, i]))
    if (places.size < rows.length) this.#fail("I9", "a call ran twice")
    for (const call of this.#calls) this.#checkCall(call, places.has(call.id))
    for (let tab = 0; tab < this.#tabs.length; tab++) {
      const mine = this.#calls.filter((call) => call.tab === tab && call.ends[0] === "kept" && places.has(call.id))
      const order = mine.map(({ id }) => places.get(id) ?? 0)
      const at = order.findIndex((place, i) => i > 0 && place < order[i - 1])
      if (at > 0)
        this.#fail("I2", `tab ${tab} called ${mine[at - 1].id} before ${mine[at].id}, the document has them turned`)
    }
    for (const [i, { document }] of this.#tabs.entries()) this.#checkTab(i, document)
  }

  /** The outcome that its author got is what became of it, code and data included (I10). */
  #checkCall({ id, uid, fate, ends, outcomes }: Call, isThere: boolean): void {
    const [end] = ends
    if (end === undefined) this.#fail("H1", `${id} never ended`)
    if (end === "kept") {
      const expected = fate === "kept" ? { type: "applied" } : { type: "rejected", code: "not-welcome", data: { id } }
      const [outcome] = outcomes
      const { type, ...rest } = outcome ?? { type: "nothing" }
      const isDataGone = uid !== null && this.#dismissed.has(uid) && "data" in rest && rest.data === null
      const answer = type === "applied" ? { type } : { type, ...rest, ...(isDataGone && { data: { id } }) }
      if (JSON.stringify(answer) !== JSON.stringify(expected))
        this.#fail("I10", `${id} (${fate}) was reported as ${JSON.stringify(outcome)}`)
    }
    if (isThere !== (fate === "kept" && end === "kept") && end !== "WORKER_FAILED")
      this.#fail("I9", `${id} (${fate}) ended with ${end} and is ${isThere ? "" : "not "}there`)
    if (fate === "no" && end !== "MUTATION_REJECTED" && end !== "WORKER_FAILED")
      this.#fail("H7", `${id} is refused on this device, and ended with ${end}`)
  }

  #checkTab(i: number, { known }: TabDocument): void {
    const { status, isUpToDate, pendingCount, error } = known.state
    if (status !== "connected" || !isUpToDate || pendingCount !== 0 || error !== null)
      this.#fail(
        "I19",
        `tab ${i} is ${status}, ${isUpToDate ? "" : "not "}up to date, ${pendingCount} pending, ${error?.code}`,
      )
    for (const { uid, code, data } of known.rejected) {
      const call = this.#calls.find((one) => one.uid === uid)
      const isRight = code === "not-welcome" && JSON.stringify(data) === JSON.stringify({ id: call?.id ?? "" })
      if (call !== undefined && !isRight)
        this.#fail("I10", `tab ${i} lists ${uid} with ${code} and ${JSON.stringify(data)}`)
    }
  }
}
