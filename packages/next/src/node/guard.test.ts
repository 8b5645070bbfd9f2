import { spawn } from "node:child_process"
import { once } from "node:events"
import { afterEach, expect, test, vi } from "vitest"
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

test("a step that logs without an end is stopped, and the log goes on (T12)", async () => {
  const child = spawn(process.execPath, [await bundle("testing/endless-log.ts")])
  const said = { out: "", err: "" }
  child.stdout.on("data", (data) => {
    said.out += data
  })
  child.stderr.on("data", (data) => {
    said.err += data
  })
  await once(child, "close")
  const few = (text: string) => text.replaceAll(/(again and again\n)+/g, "…")
  expect(few(said.out)).toBe("before\nin a step\n…stopped 20 times\n")
  expect(few(said.err)).toMatch(/^(…|lf: a mutation wrote more than 65536 bytes; \d+ writes were dropped\n)+after\n$/)
})

test("nothing is written while it may be stopped, and then all of it in order", () => {
  const written: string[] = []
  let isInside = false
  const note = (text: string | Uint8Array) => {
    written.push(`${isInside ? "inside" : "outside"} ${text}`)
    return true
  }
  const spies = [vi.spyOn(process.stdout, "write"), vi.spyOn(process.stderr, "write")]
  for (const spy of spies) spy.mockImplementation(note)
  vmGuard()(() => {
    isInside = true
    process.stdout.write("a")
    process.stderr.write("b")
    process.stdout.write("c")
    isInside = false
  })
  process.stdout.write("d")
  for (const spy of spies) spy.mockRestore()
  expect(written).toEqual(["outside a", "outside b", "outside c", "outside d"])
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
