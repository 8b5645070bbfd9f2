import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, expect, it } from "vitest"
import { describeFailures, lastLines, readReport } from "./reports.mjs"

const folder = mkdtempSync(join(tmpdir(), "lf-reports-"))
afterAll(() => rmSync(folder, { recursive: true }))

function report(content: unknown) {
  const file = join(folder, "report.json")
  writeFileSync(file, JSON.stringify(content))
  return readReport(file)
}

it("a report of vitest names what failed, what was skipped and what did not load", () => {
  const failed = {
    status: "failed",
    fullName: "adds",
    failureMessages: ["Error: no\n    at x (/a/node_modules/b.js:1:1)"],
  }
  const {
    passed,
    failed: count,
    failures,
  } = report({
    numPassedTests: 4,
    numTotalTests: 6,
    testResults: [
      { name: join(import.meta.dirname, "a.test.ts"), status: "failed", message: "", assertionResults: [failed] },
      { name: join(import.meta.dirname, "b.test.ts"), status: "failed", message: "no module", assertionResults: [] },
      {
        name: join(import.meta.dirname, "c.test.ts"),
        status: "passed",
        message: "",
        assertionResults: [
          { status: "passed", fullName: "goes", failureMessages: [] },
          { status: "pending", fullName: "waits", failureMessages: [] },
        ],
      },
    ],
  })
  expect({ passed, count }).toEqual({ passed: 4, count: 3 })
  expect(describeFailures(failures)).toBe(
    [
      "  FAILED scripts/a.test.ts › adds",
      "    Error: no",
      "",
      "  FAILED scripts/b.test.ts",
      "    no module",
      "",
      "  FAILED scripts/c.test.ts › waits",
      "    pending",
      "",
    ].join("\n"),
  )
})

it("a report of Playwright names the browser, and one that passed at the second try", () => {
  const spec = (title: string, status: string) => ({
    title,
    file: "two.spec.ts",
    line: 3,
    tests: [{ projectName: "shared", status, results: [{ errors: [{ message: "\u001b[31mgone\u001b[39m" }] }] }],
  })
  const { passed, failed, failures } = report({
    stats: { expected: 7, unexpected: 1, flaky: 1, skipped: 0 },
    suites: [
      { suites: [{ specs: [spec("opens", "unexpected"), spec("closes", "flaky"), spec("stays", "expected")] }] },
    ],
  })
  expect({ passed, failed }).toEqual({ passed: 7, failed: 2 })
  expect(failures).toEqual([
    { name: "[shared] two.spec.ts:3 › opens", message: "gone" },
    { name: "[shared] two.spec.ts:3 › closes", message: "gone" },
  ])
})

it("a long list and a long output are cut; a step that wrote no report counts nothing", () => {
  const many = Array.from({ length: 13 }, (_, n) => ({ name: `test ${n}`, message: "no" }))
  expect(describeFailures(many)).toMatch(/test 9\n {4}no\n\n {2}and 3 more\n$/)
  expect(describeFailures([])).toBe("")
  expect(lastLines(`${Array.from({ length: 40 }, (_, n) => n).join("\n")}\n`)).toMatch(/^28\n[\d\n]*39$/)
  expect(readReport(join(folder, "none.json"))).toEqual({ passed: 0, failed: 0, failures: [] })
})
