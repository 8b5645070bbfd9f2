import type { LfError } from "@lf/core"
import { Local, loadChecksum, MemoryDisk, Session, TOKEN_BYTES_MAX, USER_BYTES_MAX } from "@lf/core/internal"
import { afterEach, describe, expect, test, vi } from "vitest"
import type { ErrorContext } from "../log/error-report.ts"
import type { LogEvent } from "../log/log.ts"
import { loadSqlite } from "../node/load-sqlite.ts"
import { nodeHost } from "../node/node-host.ts"
import { wsNetwork } from "../node/ws-network.ts"
import { Add, cleanUp, later, mutator, startServer, titlesQuery, until } from "../testing/fixture.ts"
import { rawClient } from "../testing/raw.ts"

afterEach(async () => {
  await cleanUp()
  vi.restoreAllMocks()
})

/** What plain JavaScript may answer. */
const answering = (principal: unknown) => ({ authenticate: () => principal as { id: string } })
/** Three bytes each in UTF-8. */
const euros = (count: number) => "€".repeat(count)

describe("the id that authenticate answers (S3)", () => {
  test.each<[string, unknown, string]>([
    ["too long", { id: "x".repeat(USER_BYTES_MAX + 1) }, `got ${USER_BYTES_MAX + 1} bytes`],
    ["too long in UTF-8", { id: euros(1_366) }, "got 4098 bytes"],
    ["empty", { id: "" }, "got 0 bytes"],
    ["no text", { id: 7 }, "got an id of type number"],
    ["null", { id: null }, "got an id of type null"],
    ["missing", {}, "got an id of type undefined"],
    ["half of a character", { id: "ann\ud800" }, "got an id with a lone surrogate"],
    ["no object", "ann", "got string"],
    ["false", false, "got boolean"],
  ])("%s: USER_ID_INVALID for the client, a log line and onError for the operator", async (_name, principal, found) => {
    const events: LogEvent[] = []
    const errors: [LfError, ErrorContext][] = []
    const { url, lf } = await startServer({
      ...answering(principal),
      log: (event) => events.push(event),
      onError: (error, context) => errors.push([error, context]),
    })
    const raw = await rawClient(url)
    raw.hello()
    expect(await raw.closed).toBe("USER_ID_INVALID")
    const detail = `expected { id } with a text of 1 to ${USER_BYTES_MAX} bytes of UTF-8, ${found}`
    expect(events).toEqual([{ level: "error", event: "user-id-invalid", code: "USER_ID_INVALID", detail }])
    expect(errors).toMatchObject([[{ code: "USER_ID_INVALID", message: detail }, {}]])
    const as = principal as { id: string } // what plain JavaScript may pass on
    if (typeof principal === "object") {
      await expect(lf.document("doc", { as }).mutate(Add, { id: "1", title: "1" })).rejects.toMatchObject({
        code: "USER_ID_INVALID",
      })
    }
  })

  test.each([["x"], ["x".repeat(USER_BYTES_MAX)], [`${euros(1_365)}x`], ["a\nb 👤"]])(
    "of the maximum length, and in any script: accepted under exactly this id",
    async (id) => {
      const { url, lf } = await startServer(answering({ id }))
      const raw = await rawClient(url)
      raw.hello()
      expect(await raw.receives("welcome")).toMatchObject({ user: id })
      const document = lf.document("doc", { as: { id } })
      expect(await document.mutate(Add, { id: "1", title: "1" })).toMatchObject({ type: "applied" })
      expect(await document.query({ sql: "select author from todos", parameters: [] })).toEqual([{ author: id }])
    },
  )

  test("null and undefined are an anonymous connection", async () => {
    for (const principal of [null, undefined]) {
      const { url } = await startServer(answering(principal))
      const raw = await rawClient(url)
      raw.hello()
      expect(await raw.receives("welcome")).toMatchObject({ user: null })
    }
  })
})

describe("the token that auth() gives (S2)", () => {
  const connect = async (url: string, token: string) => {
    await loadChecksum()
    const opened = await new MemoryDisk().open("doc")
    const local = new Local({ opened, module: await loadSqlite(), mutator, host: nodeHost, user: null })
    const network = wsNetwork(url)
    const session = new Session({
      docId: "doc",
      local,
      network,
      host: nodeHost,
      token: async () => token,
      onChange() {},
    })
    later(() => session.stop())
    return { local, session }
  }

  test("over the limit: TOKEN_TOO_LARGE with size and limit, and pending mutations are kept", async () => {
    const seen: (string | null)[] = []
    const { url } = await startServer({
      authenticate: ({ token }) => {
        seen.push(token)
        return null
      },
    })
    const { local, session } = await connect(url, euros(5_462))
    local.run("Add", { id: "1", title: "1" })
    await until(() => session.state.status === "error", "an error")
    expect(session.state.error).toMatchObject({ code: "TOKEN_TOO_LARGE" })
    expect(session.state.error?.message).toBe(`expected a token of at most ${TOKEN_BYTES_MAX} bytes, auth() gave 16386`)
    expect(local.pendingCount).toBe(1)
    expect(seen).toEqual([])
  })

  test("as large as may be: it arrives", async () => {
    const token = `${euros(5_461)}x`
    const { url, lf } = await startServer({
      authenticate: (request) => (request.token === token ? { id: "ann" } : null),
    })
    const { local } = await connect(url, token)
    expect(await local.run("Add", { id: "1", title: "1" }).remote).toMatchObject({ type: "applied" })
    expect(await lf.document("doc", { as: "system" }).query(titlesQuery)).toEqual([{ title: "1" }])
  })
})

describe("authMsMax (S2)", () => {
  /** A promise of another library's, or of another realm. Null: it never answers. */
  class Thenable<T> {
    readonly #value: T | null

    constructor(value: T | null) {
      this.#value = value
    }

    // biome-ignore lint/suspicious/noThenProperty: a thenable is what is tested
    then(done: (value: T) => void): void {
      if (this.#value !== null) done(this.#value)
    }
  }
  const silent = new Thenable<never>(null) as unknown as Promise<never>
  const answering = <T>(value: T) => new Thenable(value) as unknown as Promise<T>

  test("holds for any thenable, and any thenable may answer", async () => {
    vi.spyOn(process.stderr, "write").mockReturnValue(true)
    const limits = { authMsMax: 30 }
    for (const [options, code] of [
      [{ authenticate: () => silent }, "AUTH_REQUIRED"],
      [{ authorize: () => silent }, "AUTHORIZE_FAILED"],
      [{ authorize: () => answering(false) }, "FORBIDDEN"],
    ] as const) {
      const { url } = await startServer({ limits, ...options })
      const raw = await rawClient(url)
      raw.hello()
      expect(await raw.closed).toBe(code)
    }
    const { url } = await startServer({
      limits,
      authenticate: () => answering({ id: "ann" }),
      authorize: () => answering(true),
    })
    const raw = await rawClient(url)
    raw.hello()
    expect(await raw.receives("welcome")).toMatchObject({ user: "ann" })
  })
})
