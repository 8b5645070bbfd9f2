import { afterEach, expect, test, vi } from "vitest"
import { makeWorker } from "./make-worker.ts"

afterEach(() => vi.unstubAllGlobals())

const failing = (error: unknown) => () => {
  throw error
}
const worker = {} as SharedWorker // is only handed on

test("a page that may have a worker has the app's", () => {
  vi.stubGlobal("isSecureContext", true)
  expect(makeWorker(() => worker)).toBe(worker)
})

test("UNSUPPORTED: a page without https, and a browser without shared workers", () => {
  vi.stubGlobal("isSecureContext", false)
  const made = vi.fn(() => worker)
  expect(() => makeWorker(made)).toThrow(expect.objectContaining({ code: "UNSUPPORTED" }))
  expect(made).not.toHaveBeenCalled()
  vi.stubGlobal("isSecureContext", true)
  vi.stubGlobal("SharedWorker", undefined)
  const cause = new ReferenceError("SharedWorker is not defined")
  expect(() => makeWorker(failing(cause))).toThrow(expect.objectContaining({ code: "UNSUPPORTED", cause }))
})

test("WORKER_FAILED: any other failure, with the remedy where the script comes from elsewhere", () => {
  vi.stubGlobal("SharedWorker", class {})
  const messageOf = (error: unknown) => {
    try {
      makeWorker(failing(error))
    } catch (thrown) {
      expect(thrown).toMatchObject({ code: "WORKER_FAILED", cause: error })
      return String(thrown)
    }
  }
  expect(messageOf(new DOMException("no", "SecurityError"))).toContain("turbopackWorkerAssetPrefix")
  for (const other of [
    new DOMException("no", "NetworkError"),
    Object.assign(new Error("x"), { name: "SecurityError" }),
  ])
    expect(messageOf(other)).not.toContain("turbopackWorkerAssetPrefix")
})
