// What the reports of vitest and Playwright say: how many tests passed, and which ones failed, with why.
import { existsSync, readFileSync } from "node:fs"
import { relative } from "node:path"
import { root } from "./run.mjs"

/** Lines of a failure's message that are shown: the rest is where the test ran. */
const shownLines = 12
/** Failures that are listed: a broken build fails everything, and one reason is enough. */
const shownFailures = 10

/** `{ passed, failed, failures }` of a JSON report of either kind; zeros when the step wrote none. */
export function readReport(file) {
  if (!existsSync(file)) return { passed: 0, failed: 0, failures: [] }
  const report = JSON.parse(readFileSync(file, "utf8"))
  return "testResults" in report ? vitestReport(report) : playwrightReport(report)
}

/** The failures as they stand at the end of `npm test`, where also a log that was cut keeps them. */
export function describeFailures(failures) {
  const shown = failures.slice(0, shownFailures).map(({ name, message }) => {
    const lines = ownLines(message).slice(0, shownLines)
    return [`  FAILED ${name}`, ...lines.map((line) => `    ${line.slice(0, 200)}`), ""].join("\n")
  })
  const more = failures.length - shown.length
  return [...shown, ...(more > 0 ? [`  and ${more} more`, ""] : [])].join("\n")
}

/** Without the frames of the test runner. */
function ownLines(message) {
  return message
    .trim()
    .split("\n")
    .filter((line) => !/^\s+at .*node_modules/.test(line))
}

/** What a step without a report said last. */
export function lastLines(output) {
  return output.trimEnd().split("\n").slice(-shownLines).join("\n")
}

function vitestReport({ numPassedTests, numTotalTests, testResults }) {
  const failures = []
  // A file that does not load holds no tests, but it is a failure all the same.
  let unloaded = 0
  for (const { name, status, message, assertionResults } of testResults) {
    const file = relative(root, name)
    if (status === "failed" && assertionResults.length === 0) {
      unloaded += 1
      failures.push({ name: file, message })
    }
    for (const { status: result, fullName, failureMessages } of assertionResults) {
      if (result === "passed") continue
      failures.push({ name: `${file} › ${fullName}`, message: failureMessages.join("\n") || result })
    }
  }
  return { passed: numPassedTests, failed: numTotalTests - numPassedTests + unloaded, failures }
}

// A skipped test counts as failed: it checked nothing.
function playwrightReport({ stats, errors = [], suites = [] }) {
  const failures = errors.map(({ message }) => ({ name: "playwright", message: message ?? "" }))
  const walk = (suite) => {
    for (const spec of suite.specs ?? []) {
      for (const test of spec.tests) {
        if (test.status === "expected") continue
        const messages = test.results.flatMap((result) =>
          result.errors.map(({ message }) => withoutColours(message ?? "")),
        )
        const name = `[${test.projectName}] ${spec.file}:${spec.line} › ${spec.title}`
        failures.push({ name, message: messages.join("\n") || test.status })
      }
    }
    for (const inner of suite.suites ?? []) walk(inner)
  }
  for (const suite of suites) walk(suite)
  return { passed: stats.expected, failed: stats.unexpected + stats.flaky + stats.skipped + errors.length, failures }
}

function withoutColours(text) {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colours are control characters
  return text.replace(/\u001b\[[0-9;]*m/g, "")
}
