import { LfError } from "@lf/core"
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest"
import { ErrorReports } from "./error-reports.ts"

const error = new LfError("LOG_FULL", "full")
let printed: unknown[][]

beforeEach(() => {
  printed = []
  vi.stubEnv("NODE_ENV", "development")
  vi.spyOn(console, "error").mockImplementation((one) => void printed.push(["error", one]))
  vi.spyOn(console, "warn").mockImplementation((one) => void printed.push(["warn", one]))
})
afterEach(() => {
  vi.unstubAllEnvs()
  vi.unstubAllGlobals()
  vi.restoreAllMocks()
})

describe("in development (H10)", () => {
  test("an error that nothing took is printed once; one that was taken, or has a listener, is not", () => {
    const reports = new ErrorReports()
    reports.report(error, {}, false)
    expect(printed).toEqual([["error", error]])
    reports.report(error, {}, true)
    const stop = reports.listen(() => {})
    reports.report(error, {}, false)
    expect(printed).toHaveLength(1)
    stop()
    reports.report(error, {}, false)
    expect(printed).toHaveLength(2)
  })

  test("that the server is out of reach is a warning, since it is no fault of the code", () => {
    const reports = new ErrorReports()
    for (const code of ["SERVER_UNREACHABLE", "SERVER_CLOSING", "SERVER_OLDER"] as const)
      reports.printUnlessTaken(new LfError(code, "x"), false)
    expect(printed.map(([how]) => how)).toEqual(["warn", "warn", "error"])
  })
})

test("a mutator that is not repeatable is printed for the developer, whatever the app listens to", () => {
  const reports = new ErrorReports()
  reports.listen(() => {})
  reports.report(new LfError("MUTATION_UNREPEATABLE", "x"), {}, true)
  expect(printed.map(([how]) => how)).toEqual(["error"])
})

test("in production nothing is printed (H10)", () => {
  vi.stubEnv("NODE_ENV", "production")
  new ErrorReports().report(error, {}, false)
  expect(printed).toEqual([])
})

test("each listener gets each error with its mutation's name, though another one throws (H10)", () => {
  const thrown: unknown[] = []
  vi.stubGlobal("reportError", (one: unknown) => thrown.push(one))
  const reports = new ErrorReports()
  const bug = new Error("a listener's bug")
  const received: unknown[] = []
  reports.listen(() => {
    throw bug
  })
  reports.listen((one, what) => received.push([one, what]))
  reports.report(error, { mutation: "Add" }, true)
  expect(received).toEqual([[error, { mutation: "Add" }]])
  expect(thrown).toEqual([bug])
})

test("what a component renders counts as read until the last one stops (H10)", () => {
  const reports = new ErrorReports()
  const both = () => [reports.isConnectionRead, reports.isRejectionRead]
  expect(both()).toEqual([false, false])
  const stops = [reports.read("connection"), reports.read("connection")]
  expect(both()).toEqual([true, false])
  stops[0]()
  expect(both()).toEqual([true, false])
  stops[1]()
  expect(both()).toEqual([false, false])
  const stop = reports.read("rejections")
  expect(both()).toEqual([false, true])
  stop()
  expect(both()).toEqual([false, false])
})
