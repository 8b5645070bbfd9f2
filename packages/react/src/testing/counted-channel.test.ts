import { afterEach, describe, expect, test, vi } from "vitest"
import { Traffic } from "./counted-channel.ts"

afterEach(() => vi.unstubAllGlobals())

describe.each(["with", "without"])("%s a MessageChannel", (kind) => {
  function channel() {
    if (kind === "without") vi.stubGlobal("MessageChannel", undefined)
    const traffic = new Traffic()
    const [a, b] = traffic.channel()
    const received: unknown[] = []
    return { traffic, a, b, received }
  }

  test("messages arrive as copies, in order, and count until they are handled", async () => {
    const { traffic, a, b, received } = channel()
    const first = { bytes: Uint8Array.of(1, 2) }
    a.postMessage(first)
    a.postMessage("second")
    expect(traffic.inFlight).toBe(2)
    b.onmessage = ({ data }) => received.push(data)
    await expect.poll(() => traffic.inFlight).toBe(0)
    expect(received).toEqual([{ bytes: Uint8Array.of(1, 2) }, "second"])
    expect(received[0]).not.toBe(first)
    traffic.close()
  })

  test("what was posted before a close still arrives, and nothing at the closed end", async () => {
    const { traffic, a, b, received } = channel()
    b.onmessage = ({ data }) => received.push(data)
    a.onmessage = ({ data }) => received.push(data)
    b.postMessage("to the closed end")
    a.postMessage("before")
    a.close()
    await expect.poll(() => traffic.inFlight).toBe(0)
    expect(received).toEqual(["before"])
    b.postMessage("after")
    expect(traffic.inFlight).toBe(0)
    traffic.close()
  })
})

test("where structuredClone answers values of another realm, copies are of the test's own", async () => {
  vi.resetModules()
  vi.stubGlobal("structuredClone", () => ({}))
  const { cloneMessage } = await import("./clone-message.ts")
  const bytes = Uint8Array.of(0, 1, 2, 3).subarray(1, 3)
  const cycle: { date: Date; list: unknown[] } = { date: new Date(5), list: [bytes, null, 1n] }
  cycle.list.push(cycle)
  const copy = cloneMessage(cycle) as typeof cycle
  expect(copy).toEqual(cycle)
  expect(copy).not.toBe(cycle)
  expect(copy.list[0]).toBeInstanceOf(Uint8Array)
  expect(copy.list[3]).toBe(copy)
  expect(() => cloneMessage({ run: () => {} })).toThrow(expect.objectContaining({ name: "DataCloneError" }))
})
