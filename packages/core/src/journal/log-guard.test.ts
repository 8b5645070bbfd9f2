import { expect, test } from "vitest"
import { LfError } from "../base/error.ts"
import { LogGuard } from "./log-guard.ts"

const failed = (message: string) => new LfError("LOG_FAILED", message)

test("after an error every operation throws the first one's reason, and none is tried again (T19)", async () => {
  const guard = new LogGuard()
  let tries = 0
  const fail = (message: string) => async () => {
    tries++
    throw new Error(message)
  }
  const toError = (error: unknown) => failed((error as Error).message)
  const both = ["first", "second"].map((message) => guard.run(fail(message), toError).catch((error) => error.message))
  expect(await Promise.all(both)).toEqual(["first", "first"])
  await expect(guard.run(fail("third"), toError)).rejects.toThrow("first")
  expect([tries, guard.ended?.message]).toEqual([2, "first"])
  guard.end(failed("later"))
  expect(guard.ended?.message).toBe("first")
})

test("close waits for what is under way, and refuses what comes", async () => {
  const guard = new LogGuard()
  let finish = () => {}
  let isDone = false
  const work = guard.run(
    () => new Promise((resolve) => (finish = resolve)),
    () => failed("never"),
  )
  const closed = guard.close().then(() => {
    isDone = true
  })
  await expect(
    guard.run(
      async () => {},
      () => failed("never"),
    ),
  ).rejects.toMatchObject({ code: "LOG_CLOSED" })
  expect(isDone).toBe(false)
  finish()
  await Promise.all([work, closed])
})
