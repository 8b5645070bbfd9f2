import { spawn } from "node:child_process"
import { once } from "node:events"
import { afterEach, expect, test } from "vitest"
import { bundle } from "../testing/bundle.ts"
import { cleanUp } from "../testing/fixture.ts"
import { vmGuard } from "./guard.ts"

afterEach(cleanUp)

test("work that never ends is stopped, and what comes after it runs (T12)", () => {
  const guard = vmGuard(50)
  let turns = 0
  const isDone = guard(() => {
    try {
      for (;;) turns++
    } catch {
      turns = -1 // nothing can catch it
    }
  })
  expect(isDone).toBe(false)
  expect(turns).toBeGreaterThan(0)
  // In a thread among many, 50 ms may pass before anything runs.
  expect(vmGuard()(() => {})).toBe(true)
})

test("work under way while the process is paused is not blamed for it, once (T12)", async () => {
  const child = spawn(process.execPath, [await bundle("testing/paused-step.ts")])
  let said = ""
  child.stdout.on("data", (data) => {
    said += data
    if (said.endsWith("runs ")) setTimeout(() => child.kill("SIGCONT"), 1_600)
  })
  await once(child, "close")
  // The second one may be a loop without an end, in a process that is always paused.
  expect(said).toBe("runs DOC_STOPPED runs false ")
})

test("work that shares its processor with many is no work that was paused (T12)", () => {
  const guard = vmGuard(200)
  const nap = new Int32Array(new SharedArrayBuffer(4))
  const isDone = guard(() => {
    // A fifth of the processor.
    for (;;) {
      for (const endMs = performance.now() + 4; performance.now() < endMs; );
      Atomics.wait(nap, 0, 0, 16)
    }
  })
  expect(isDone).toBe(false)
})

test("an error passes through as it is", () => {
  const thrown = { code: "mine" }
  let caught: unknown
  try {
    vmGuard()(() => {
      throw thrown
    })
  } catch (error) {
    caught = error
  }
  expect(caught).toBe(thrown)
})

test("guarded work may guard other work", () => {
  const seen: string[] = []
  vmGuard()(() => {
    vmGuard()(() => seen.push("inner"))
    seen.push("outer")
  })
  expect(seen).toEqual(["inner", "outer"])
})
