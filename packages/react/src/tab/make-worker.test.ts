import { afterEach, expect, test, vi } from "vitest"
import { connectToWorker } from "./make-worker.ts"

afterEach(() => vi.unstubAllGlobals())

const failing = (error: unknown) => () => {
  throw error
}
const onFailed = () => {}

test("a page that may have a worker has a port of the app's, and learns when its script cannot be loaded", () => {
  vi.stubGlobal("isSecureContext", true)
  const posted: unknown[] = []
  const worker = { port: { postMessage: (message: unknown) => posted.push(message) }, onerror: null as unknown }
  const port = connectToWorker(() => worker as unknown as SharedWorker, onFailed)
  port.post({ type: "ping", hasOpened: true })
  expect([posted, worker.onerror]).toEqual([[{ type: "ping", hasOpened: true }], onFailed])
})

test("UNSUPPORTED: a page without https, and a browser without shared workers", () => {
  vi.stubGlobal("isSecureContext", false)
  const made = vi.fn(() => ({}) as SharedWorker)
  expect(() => connectToWorker(made, onFailed)).toThrow(expect.objectContaining({ code: "UNSUPPORTED" }))
  expect(made).not.toHaveBeenCalled()
  vi.stubGlobal("isSecureContext", true)
  vi.stubGlobal("SharedWorker", undefined)
  const cause = new ReferenceError("SharedWorker is not defined")
  expect(() => connectToWorker(failing(cause), onFailed)).toThrow(
    expect.objectContaining({ code: "UNSUPPORTED", cause }),
  )
})

test("WORKER_FAILED: any other failure, with the remedy where the script comes from elsewhere", () => {
  vi.stubGlobal("SharedWorker", class {})
  const messageOf = (error: unknown) => {
    try {
      connectToWorker(failing(error), onFailed)
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
