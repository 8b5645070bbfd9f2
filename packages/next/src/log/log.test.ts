import { readFileSync } from "node:fs"
import { defineMutation, defineMutator, LfError, sql } from "@lf/core"
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest"
import { z } from "zod"
import { mutationCodec } from "../../../core/src/timeline/mutation.ts"
import { cleanUp, startServer, until } from "../testing/fixture.ts"
import { rawClient } from "../testing/raw.ts"
import { LOG_EVENTS, type LogEvent, lineOf } from "./log.ts"

const TEXT = "x\nlf: forged\u2028line\u0085token=abc\u001b[2J"
const UID = "00000000-0000-7000-8000-000000000001"

/** What an app may throw when it passes on what it was given, and how much of it may be believed. */
const THROWN: Record<string, () => unknown> = {
  "an error with a forged line": () => new Error(TEXT),
  "an error of SQLite's with what was asked": () => new LfError("SQL_ERROR", `malformed MATCH expression: [${TEXT}]`),
  "an error of a log with a path": () => new LfError("LOG_FAILED", TEXT, { cause: new Error(TEXT) }),
  "a look-alike with a code from outside": () => Object.assign(new Error(TEXT), { name: "LfError", code: TEXT }),
  "a look-alike with a known code": () => Object.assign(new Error(TEXT), { name: "LfError", code: "LOG_CORRUPT" }),
  "a forged name": () => Object.assign(new Error("plain"), { name: TEXT }),
  "a name that is a token": () => Object.assign(new Error("plain"), { name: "tokenabc" }),
  "a forged stack": () =>
    Object.assign(new Error("plain"), { stack: `Error: plain\n    at token=abc (forged.ts:1:1)` }),
  "a stack of another machine's": () =>
    Object.assign(new Error(TEXT), { stack: `Error: ${TEXT}\n    at abc (/forged/token-abc.ts:1:1)` }),
  "a place in a text that exists, with a function's name": () =>
    Object.assign(new Error("plain"), { stack: `Error: plain\n    at tokenabc (${import.meta.filename}:1:1)` }),
  "a text": () => TEXT,
  "an object with text in it": () => ({ message: TEXT, toString: () => TEXT }),
  "getters that throw": () =>
    Object.defineProperties(new Error("x"), {
      stack: { get: () => throwing() },
      code: { get: () => throwing() },
      cause: { get: () => throwing() },
    }),
  "a proxy that throws": () => new Proxy({}, { get: () => throwing(), getPrototypeOf: () => throwing() }),
}

function throwing(): never {
  throw new Error(TEXT)
}

let lines: string[] = []

beforeEach(() => {
  lines = []
  vi.spyOn(process.stderr, "write").mockImplementation((text) => {
    lines.push(String(text))
    return true
  })
})

afterEach(async () => {
  await cleanUp()
  vi.restoreAllMocks()
})

/** One line, with none of what was thrown in it. */
function expectOneLine(event: string): void {
  const written = lines.join("")
  expect(written.split("\n").filter((line) => line !== "")).toHaveLength(1)
  expect(written).toMatch(new RegExp(`^lf: (error|warn|info) ${event} [^\\p{C}\\p{Zl}\\p{Zp}]+\\n$`, "u"))
  expect(written).not.toMatch(/forged|abc|token=|malformed/)
}

describe("one line per event, and nothing of what was thrown is in it (S16, S22)", () => {
  test.each(Object.entries(THROWN))("authenticate and authorize: %s", async (_name, thrown) => {
    const authenticate = await startServer({
      authenticate: () => {
        throw thrown()
      },
    })
    const first = await rawClient(authenticate.url)
    first.hello()
    expect(await first.closed).toBe("AUTH_REQUIRED")
    expectOneLine("authenticate-failed")
    lines = []
    const authorize = await startServer({ authorize: async () => Promise.reject(thrown()) })
    const second = await rawClient(authorize.url)
    second.hello()
    expect(await second.closed).toBe("AUTHORIZE_FAILED")
    expectOneLine("authorize-failed")
  })

  test.each(Object.entries(THROWN).filter(([name]) => !name.includes("proxy") && !name.includes("object")))(
    "a mutator: %s",
    async (_name, thrown) => {
      const { url } = await startServer({ mutator: throwingMutator("Throw", thrown) })
      const raw = await rawClient(url)
      raw.hello()
      await raw.receives("welcome")
      raw.push([mutationCodec.encode({ uid: UID, name: "Throw", args: {}, at: 1 })])
      await raw.receives("cursor")
      await until(() => lines.length > 0, "logged")
      expectOneLine("mutation-failed")
    },
  )

  test.each(Object.entries(THROWN))("onApplied, and onError: %s", async (_name, thrown) => {
    const { url } = await startServer({
      mutator: throwingMutator("Keep", () => null),
      onApplied: () => {
        throw thrown()
      },
      onError: () => {
        throw thrown()
      },
    })
    const raw = await rawClient(url)
    raw.hello()
    await raw.receives("welcome")
    raw.push([mutationCodec.encode({ uid: UID, name: "Keep", args: {}, at: 1 })])
    await until(() => lines.length >= 2, "logged")
    const [effect, hook] = lines
    lines = [effect]
    expectOneLine("effect-failed")
    lines = [hook]
    expectOneLine("on-error-failed")
  })

  test("a mutation whose name has control characters, and a uid that is no UUID", async () => {
    const name = "Add\nlf: for\u2028ged"
    const { url } = await startServer({ mutator: throwingMutator(name, () => new Error(TEXT)) })
    const raw = await rawClient(url)
    raw.hello()
    await raw.receives("welcome")
    raw.push([mutationCodec.encode({ uid: UID, name, args: {}, at: 1 })])
    await raw.receives("cursor")
    await until(() => lines.length > 0, "logged")
    expect(lines).toHaveLength(1)
    expect(lines[0]).toContain(`mutation="Add\\u{a}lf: for\\u{2028}ged"`)
    expect(lines[0].split("\n")).toHaveLength(2)
  })
})

test("an event is one line of visible characters whose values stay apart (S22)", () => {
  const event: LogEvent = {
    level: "error",
    event: "mutation-failed",
    code: "MUTATION_THREW",
    doc: "a",
    user: "ann@example.com",
    mutation: 'a" event=forged \\ \u202e\ud800\r\n',
    detail: "y".repeat(5_000),
  }
  const line = lineOf(event)
  expect(line.length).toBeLessThan(1_200)
  expect(line).toMatch(
    /^lf: error mutation-failed code=MUTATION_THREW doc=a mutation="a\\" event=forged \\\\ \\u\{202e\}/,
  )
  expect(line).not.toMatch(/[\p{C}\p{Zl}\p{Zp}]/u)
  expect(line).not.toContain("ann@example.com")
})

test("log gets the fields instead of a line; one that throws changes nothing and is a line (S16)", async () => {
  const events: LogEvent[] = []
  const { url } = await startServer({
    mutator: throwingMutator("Throw", () => new RangeError(TEXT)),
    log: (event) => {
      events.push(event)
      if (event.event === "mutation-failed") throwing()
    },
  })
  const raw = await rawClient(url)
  raw.hello({ token: "ann" })
  await raw.receives("welcome")
  raw.push([mutationCodec.encode({ uid: UID, name: "Throw", args: {}, at: 1 })])
  await raw.receives("cursor")
  await until(() => events.length > 0, "logged")
  expect(events).toEqual([
    {
      level: "error",
      event: "mutation-failed",
      code: "MUTATION_THREW",
      doc: "doc",
      user: "ann",
      mutation: "Throw",
      uid: UID,
      detail: expect.stringMatching(/^RangeError at .*log\.test\.ts:\d+:\d+/),
    },
  ])
  expect(lines.join("")).toBe("lf: error log-failed\n")
})

test("event names are kebab-case, and docs/deploying.md lists exactly these with their meaning", () => {
  const docs = readFileSync(new URL("../../../../docs/deploying.md", import.meta.url), "utf8")
  const rows = docs.matchAll(/^\| `([a-z-]+)` \| (.+) \|$/gm)
  expect(Object.fromEntries(Array.from(rows, ([, name, sentence]) => [name, sentence]))).toEqual(LOG_EVENTS)
  for (const [name, sentence] of Object.entries(LOG_EVENTS)) {
    expect(name).toMatch(/^[a-z]+(-[a-z]+)*$/)
    expect(sentence).toMatch(/^[A-Za-z].*\.$/)
  }
})

function throwingMutator(name: string, thrown: () => unknown) {
  return defineMutator({
    migrations: [sql`create table notes (text text) strict`],
    mutations: [
      defineMutation(name, z.object({}), (tx) => {
        tx.run(sql`insert into notes values ('one')`)
        const error = thrown()
        if (error !== null) throw error
      }),
    ],
  })
}
