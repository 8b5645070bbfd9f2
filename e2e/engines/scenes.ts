import { expect } from "@playwright/test"
import { Peer } from "../peer.ts"
import type { Server } from "../server.ts"
import { newListUrl } from "../todo-page.ts"
import type { Engine } from "./engine.ts"
import { END, ENTER } from "./input.ts"
import type { ListTab } from "./list-tab.ts"
import type { Profile } from "./profile.ts"

/** What the scenes of one engine share: a browser takes seconds to start. */
export interface Stage {
  readonly engine: Engine
  /** Tabs bring dedicated workers. */
  readonly lacksSharedWorker: boolean
  readonly server: Server
  /** Its browser is killed by some scenes; the next tab starts it again. */
  readonly profile: Profile
  /** A private window beside it. */
  readonly hidden: Profile
}

/** The names are those of docs/browsers.md. */
export const scenes: Readonly<Record<string, (stage: Stage) => Promise<void>>> = {
  "two profiles": twoProfiles,
  "private window": privateWindow,
  "two tabs": twoTabs,
  refusal: refusal,
  typing: typing,
  "2,000 rows": manyRows,
  offline: offline,
  "kill, cold cache": kill,
}

async function twoProfiles({ server, profile, hidden }: Stage): Promise<void> {
  const url = newListUrl(server.url)
  const a = await profile.open(url)
  const b = await hidden.open(url)
  await a.add("of a")
  await b.shows(["of a"])
  await b.add("of b")
  await a.shows(["of a", "of b"])
  for (const tab of [a, b]) await tab.isSynced()
}

/** Both engines give a private window an IndexedDB and forget it. Where lf can know that, the page says so. */
async function privateWindow({ engine, server, hidden }: Stage): Promise<void> {
  const url = newListUrl(server.url)
  const tab = await hidden.open(url)
  await tab.add("synced")
  await tab.isSynced()
  expect(await tab.texts("not-durable")).toHaveLength(engine.hasKnownPrivateWindows ? 1 : 0)
  await tab.switchOffline()
  await tab.add("unsent")
  await tab.reload()
  await tab.shows(["synced", "unsent"])
  await hidden.quit()
  const later = await hidden.open(url)
  await later.isSynced()
  await later.shows(["synced"])
  await hidden.kill()
}

/** The connection is off, so that the tabs have only their worker in common. */
async function twoTabs({ server, profile, lacksSharedWorker }: Stage): Promise<void> {
  const url = newListUrl(server.url)
  const one = await profile.open(url)
  const two = await profile.open(url)
  expect(await one.evaluate(() => typeof SharedWorker, null)).toBe(lacksSharedWorker ? "undefined" : "function")
  await one.switchOffline()
  await one.add("of one")
  await two.shows(["of one"])
  await two.add("of two")
  await one.shows(["of one", "of two"])
  for (const tab of [one, two]) await tab.isPending(2)
  await one.close()
  await two.add("after one")
  await two.switchOffline()
  await two.isSynced()
  await using peer = await Peer.open(server, url)
  await peer.shows(["of one", "of two", "after one"])
}

async function refusal({ server, profile }: Stage): Promise<void> {
  const url = newListUrl(server.url)
  const tab = await profile.open(url)
  await tab.add("kept")
  await tab.isSynced()
  await tab.write("reject me")
  await expect.poll(() => tab.texts("rejected-notice"), { timeout: 20_000 }).toHaveLength(1)
  expect((await tab.texts("rejected-notice")).join().match(/reject me/g)).toHaveLength(1)
  await tab.shows(["kept"])
  await tab.click('[data-testid="rejected-notice"] button')
  await expect.poll(() => tab.texts("rejected-notice")).toEqual([])
  await tab.reload()
  await tab.isSynced()
  await tab.shows(["kept"])
  expect(await tab.texts("rejected-notice")).toEqual([])
}

/** Key by key, while another user renames the same row and the one above, and adds more. */
async function typing({ server, profile }: Stage): Promise<void> {
  const url = newListUrl(server.url)
  await using peer = await Peer.open(server, url)
  await peer.add("row", ["above", "edited"])
  const tab = await profile.open(url)
  await tab.shows(["above", "edited"])
  await tab.edit("edited")
  await tab.type(END)
  const text = "abcdefghijklmnopqrstuvwxyz0123"
  for (const [i, letter] of Array.from(text).entries()) {
    if (i % 10 === 3) await peer.rename("row0", `above ${i}`)
    if (i % 10 === 5) await peer.add(`during${i}`, [`added ${i}`])
    if (i % 10 === 7) await peer.rename("row1", `renamed ${i}`)
    await tab.type(letter)
  }
  await tab.type(ENTER)
  const shown = ["above 23", `edited${text}`, "added 5", "added 15", "added 25"]
  await tab.shows(shown)
  await peer.shows(shown)
}

async function manyRows({ server, profile }: Stage): Promise<void> {
  const url = newListUrl(server.url)
  await using peer = await Peer.open(server, url)
  await peer.add(
    "row",
    Array.from({ length: 2_000 }, (_, i) => `todo ${i}`),
  )
  const tab = await profile.open(url)
  await expect.poll(() => tab.texts("todo-count"), { timeout: 30_000 }).toEqual(["2000 items left"])
  expect((await tab.texts("todo-title")).length).toBeLessThan(100)
  const scrollDown = (share: number) =>
    tab.evaluate((part) => window.scrollTo(0, part * document.body.scrollHeight), share)
  await scrollDown(0.5)
  await expect.poll(async () => (await tab.texts("todo-title"))[0]).toMatch(/^todo (9\d\d|1\d\d\d)$/)
  await tab.write("todo 2000")
  // The input at the top has the focus, and Firefox may scroll to its caret after the key: scroll until it has.
  const lastTitle = async () => {
    await scrollDown(1)
    return (await tab.texts("todo-title")).at(-1)
  }
  await expect.poll(lastTitle).toBe("todo 2000")
  await tab.isSynced()
}

async function offline({ server, profile }: Stage): Promise<void> {
  const url = newListUrl(server.url)
  const tab = await profile.open(url)
  await tab.add("online")
  await tab.isInstalled()
  await tab.isSynced()
  await server.stop("SIGKILL")
  await tab.add("offline")
  await tab.reload()
  await tab.shows(["online", "offline"])
  await tab.isPending(1)
  await server.start()
  await arrivesOnce(server, url, tab, ["online", "offline"])
}

/** No server, so that what was resolved is on this disk alone; no HTTP cache, so that the page is the service worker's. */
async function kill({ server, profile }: Stage): Promise<void> {
  const url = newListUrl(server.url)
  const tab = await profile.open(url)
  await tab.add("synced")
  await tab.isInstalled()
  await tab.isSynced()
  expect(await tab.texts("not-durable")).toEqual([])
  await server.stop("SIGKILL")
  await tab.countDurable()
  for (const title of ["one", "two", "three"]) await tab.add(title)
  await tab.isDurable(3)
  await profile.kill()
  profile.clearHttpCache()
  const again = await profile.open(url)
  await again.shows(["synced", "one", "two", "three"])
  await again.isPending(3)
  await again.add("after the kill")
  await server.start()
  await arrivesOnce(server, url, again, ["synced", "one", "two", "three", "after the kill"])
}

/** A second time would be refused, for its id, and the page would say so. */
async function arrivesOnce(server: Server, url: string, tab: ListTab, titles: readonly string[]): Promise<void> {
  await tab.shows(titles)
  await tab.isSynced()
  await using peer = await Peer.open(server, url)
  await peer.shows(titles)
  expect(await tab.texts("rejected-notice")).toEqual([])
}
