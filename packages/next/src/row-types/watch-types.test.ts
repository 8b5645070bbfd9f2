import { watch } from "node:fs"
import { mkdir, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { afterEach, expect, test } from "vitest"
import { cleanUp, later, temporaryDirectory } from "../testing/fixture.ts"
import { SourceWatcher } from "./source-watcher.ts"
import { runOnChange } from "./watch-types.ts"

afterEach(cleanUp)

async function app(): Promise<string> {
  const directory = await temporaryDirectory()
  for (const path of ["app", "node_modules/a/dist", ".next/server"])
    await mkdir(join(directory, path), { recursive: true })
  return directory
}

/** `runAfter` resolves when a change has made another run. */
async function watched() {
  const directory = await app()
  const stop = new AbortController()
  later(() => stop.abort())
  let runCount = 0
  const ended = runOnChange(directory, async () => void runCount++, stop.signal)
  const runAfter = async (change: () => Promise<unknown>) => {
    const before = runCount
    await change()
    await expect.poll(() => runCount, { timeout: 10_000 }).toBeGreaterThan(before)
  }
  await expect.poll(() => runCount).toBe(1)
  const end = () => {
    stop.abort()
    return ended
  }
  return { directory, runAfter, end }
}

const watchCount = () => process.getActiveResourcesInfo().filter((name) => name === "FSEventWrap").length

test("the app's own directories are watched, also those that come later, until the signal", async () => {
  const before = watchCount()
  const { directory, runAfter, end } = await watched()
  expect(watchCount()).toBe(before + 2)
  await runAfter(() => mkdir(join(directory, "app/l")))
  await runAfter(() => writeFile(join(directory, "app/l/page.tsx"), "a"))
  await end()
  await expect.poll(watchCount).toBe(before)
})

test("a directory that is removed and made again is watched", async () => {
  const { directory, runAfter } = await watched()
  await runAfter(() => rm(join(directory, "app"), { recursive: true }))
  await runAfter(() => mkdir(join(directory, "app")))
  await runAfter(() => writeFile(join(directory, "app/page.tsx"), "a"))
})

test("packages, what a build makes, tests and lf-types.d.ts are no change", async () => {
  const directory = await app()
  let changeCount = 0
  const sources = new SourceWatcher(directory, () => void changeCount++)
  later(() => sources.close())
  sources.refresh()
  const last = new Promise<void>((resolve) => {
    const watcher = watch(directory, (_event, name) => name === "notes.md" && resolve())
    later(() => watcher.close())
  })
  for (const path of ["node_modules/a/dist/a.js", ".next/server/a.js", "app/a.test.ts", "lf-types.d.ts", "notes.md"])
    await writeFile(join(directory, path), "a")
  // The system reports changes in their order.
  await last
  expect(changeCount).toBe(0)
})
