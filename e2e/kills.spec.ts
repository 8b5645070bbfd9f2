import { readdirSync, readFileSync } from "node:fs"
import { type BrowserContext, expect, type Page } from "@playwright/test"
import { chromiumPath, Profile } from "./browser.ts"
import { mainFiles, sqlite } from "./main-file.ts"
import { observePorts, Promises, startWriting, stopWriting } from "./observer.ts"
import { Server } from "./server.ts"
import { test } from "./test.ts"
import { newListUrl, TodoPage } from "./todo-page.ts"

const runsAll = process.env.LF_E2E_ALL === "1"
const given = process.env.LF_BROWSER_KILLS
const SEED = Number(process.env.LF_BROWSER_KILLS_SEED ?? Date.now() % 1_000_000)
/** One with more than a hundred rows is virtual: not every row is in the page. */
const ROWS_PER_LIST = 50
const TABS = 2

type Victim = "tab closed" | "tab crashed" | "worker killed" | "renderers killed" | "browser killed"
const VICTIMS: readonly Victim[] = ["tab closed", "tab crashed", "worker killed", "renderers killed", "browser killed"]

/** The renderer that Chromium has ready for the next tab may be one that was killed. */
async function newPageOf(context: BrowserContext): Promise<Page> {
  for (let tries = 1; ; tries++) {
    try {
      return await context.newPage()
    } catch (error) {
      if (tries === 3 || !String(error).includes("Target crashed")) throw error
    }
  }
}

/** One profile with some tabs of one list, all of which may die. */
class Desk {
  readonly #profile: Profile
  readonly promises = new Promises()
  #context: BrowserContext | null = null
  #tabs: TodoPage[] = []

  constructor(profile: Profile) {
    this.#profile = profile
  }

  /** Brings back what is gone. */
  async open(url: string): Promise<readonly TodoPage[]> {
    if (this.#context === null) {
      this.#context = await this.#profile.start()
      await observePorts(this.#context)
    }
    for (const { page } of this.#tabs) await page.evaluate(() => true).catch(() => this.#drop(page)) // one that does not answer is dead
    for (const { page } of this.#tabs) if (page.url() !== url) await page.goto(url)
    while (this.#tabs.length < TABS) {
      const page = await newPageOf(this.#context)
      page.on("crash", () => this.#drop(page))
      this.promises.listen(page)
      this.#tabs.push(await TodoPage.open(page, url))
    }
    return this.#tabs
  }

  async kill(victim: Victim, tab: TodoPage): Promise<void> {
    if (victim === "tab closed") await tab.page.close()
    else if (victim === "tab crashed") await this.#crash(tab.page)
    else if (victim === "worker killed") await this.#killRenderers("the worker's")
    else if (victim === "renderers killed") await this.#killRenderers("all")
    else await this.#killBrowser()
  }

  async #crash(page: Page): Promise<void> {
    const crashed = page.waitForEvent("crash")
    const cdp = await page.context().newCDPSession(page)
    void cdp.send("Page.crash").catch(() => {}) // the renderer that would answer is dead
    await crashed
  }

  /** The processes with a worker, with the tabs in them, or all: as when memory runs out. */
  async #killRenderers(which: "the worker's" | "all"): Promise<void> {
    const cdp = await this.#browserSession()
    let victims: number[] = []
    // After the last kill a tab that shows everything may still be looking for a worker.
    const found = async () => {
      const { processInfo } = await cdp.send("SystemInfo.getProcessInfo")
      const renderers = processInfo.filter(({ type }) => type === "renderer").map(({ id }) => id)
      victims = which === "all" ? renderers : renderers.filter(hasWorker)
      return victims.length
    }
    await expect.poll(found, { timeout: 20_000, message: "there is a worker" }).toBeGreaterThan(0)
    await cdp.detach()
    for (const id of victims) process.kill(id, "SIGKILL")
    // Playwright notices a crash a little later than the tabs that survive.
    await new Promise((resolve) => setTimeout(resolve, 100))
  }

  async #killBrowser(): Promise<void> {
    await this.#profile.kill()
    this.#context = null
    this.#tabs = []
  }

  async #browserSession() {
    const browser = this.#context?.browser()
    if (browser === null || browser === undefined) throw new Error("the browser is not there")
    return browser.newBrowserCDPSession()
  }

  #drop(page: Page): void {
    this.#tabs = this.#tabs.filter((tab) => tab.page !== page)
    void page.close().catch(() => {}) // it is gone with its browser
  }
}

test("after kills what resolved is there, once each at the server (I3, I7, I9, T28)", async () => {
  const kills = Number(given ?? (runsAll ? 40 : 2))
  test.setTimeout(60_000 + kills * 10_000)
  const random = randomOf(SEED)
  const counts = new Map<Victim, number>()
  console.log(`seed ${SEED}: LF_BROWSER_KILLS_SEED=${SEED} LF_BROWSER_KILLS=${kills} repeats the order of the kills`)
  await using server = await Server.start()
  await using profile = new Profile(chromiumPath())
  const desk = new Desk(profile)
  const { asked, kept } = desk.promises
  let url = ""
  let before = new Set<string>()
  for (let kill = 0; kill < kills; kill++) {
    if (url === "" || asked.size - before.size > ROWS_PER_LIST) {
      url = newListUrl(server.url)
      before = new Set(asked)
    }
    const tabs = await desk.open(url)
    for (const [i, { page }] of tabs.entries()) await startWriting(page, `k${kill}t${i}`, 5 + Math.floor(random() * 30))
    await new Promise((resolve) => setTimeout(resolve, 20 + random() * 250))
    const victim = VICTIMS[Math.floor(random() * VICTIMS.length)]
    counts.set(victim, (counts.get(victim) ?? 0) + 1)
    await desk.kill(victim, tabs[Math.floor(random() * tabs.length)])
    const survivors = await desk.open(url)
    for (const { page } of survivors) await stopWriting(page)
    const promised = [...kept].filter((title) => !before.has(title))
    for (const todo of survivors) await showsAll(todo, promised, `after kill ${kill}, ${victim}`)
    if (asked.size - before.size > ROWS_PER_LIST || kill === kills - 1) {
      for (const todo of survivors) await todo.isSynced()
    }
  }
  await profile.kill()
  await server.stop("SIGTERM")
  const files = mainFiles(server.dataDir)
  for (const file of files) expect(sqlite(file, "pragma integrity_check")).toEqual(["ok"])
  const titles = files.flatMap((file) => sqlite(file, "select title from todos"))
  expect(titles.length, "no title twice").toBe(new Set(titles).size)
  expect(titles.filter((title) => !/^k\d+t\d-\d+$/.test(title))).toEqual([])
  expect([...kept].filter((title) => !titles.includes(title))).toEqual([])
  const by = [...counts].map(([victim, count]) => `${count} ${victim}`).join(", ")
  console.log(
    `${by}; ${asked.size} mutations asked for, ${kept.size} known to be resolved, ${titles.length} at the server`,
  )
  if (test.info().project.name !== "dedicated") console.log(`LF_FIGURE browser kills ${kills}`)
})

async function showsAll(todo: TodoPage, promised: readonly string[], when: string): Promise<void> {
  const missing = async () => {
    const shown = new Set(await todo.titles.allTextContents())
    return promised.filter((title) => !shown.has(title))
  }
  await expect.poll(missing, { timeout: 20_000, message: when }).toEqual([])
}

/** Whether it runs a worker of ours, shared or dedicated. Chromium names their threads; Linux cuts the name. */
function hasWorker(processId: number): boolean {
  const tasks = `/proc/${processId}/task`
  try {
    return readdirSync(tasks).some((task) =>
      /^(Shared|Dedicated)Work/.test(readFileSync(`${tasks}/${task}/comm`, "utf8")),
    )
  } catch {
    return false // it ended meanwhile
  }
}

/** Mulberry32: the same numbers for the same seed. */
function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
