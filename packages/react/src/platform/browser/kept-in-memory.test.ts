import { expect, test } from "vitest"
import { browserPlatform } from "./browser-platform.ts"
import { keptInMemory } from "./kept-in-memory.ts"

test("nothing is stored, and that is said", async () => {
  const platform = keptInMemory(browserPlatform())
  const { log, records, checkpoint } = await platform.openLog("d")
  expect([log.isDurable, records, checkpoint]).toEqual([false, [], null])
  await log.append([])
  await log.close()
  await platform.deleteLog("d")
  await platform.moveLog("d", "e")
  expect([
    await platform.hasLog("e"),
    await platform.storedKeys(),
    await platform.readRecords("e"),
    await platform.movedMs("d"),
  ]).toEqual([false, [], [], null])
})

test("a document has one owner in it, without any lock of the browser's", async () => {
  const platform = keptInMemory(browserPlatform())
  const own = () => platform.own("d", { migrations: 0, onAsked: () => false })
  const first = await own()
  const order: string[] = []
  const second = own().then((ownership) => {
    order.push("owned")
    return ownership
  })
  const waiting = new AbortController()
  const third = platform.ownWhenFree("d", waiting.signal)
  waiting.abort(new Error("no longer"))
  await expect(third).rejects.toThrow("no longer")
  order.push("released")
  first.release()
  ;(await second).release()
  expect(order).toEqual(["released", "owned"])
})
