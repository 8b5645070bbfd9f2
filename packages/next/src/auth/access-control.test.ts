import { ERROR_CODES, LfError } from "@lf/core"
import { afterEach, describe, expect, test, vi } from "vitest"
import { AccessControl, type AccessOptions, type AuthRequest } from "./access-control.ts"

afterEach(() => {
  vi.unstubAllEnvs()
  vi.useRealTimers()
})

interface User {
  readonly id: string
}

const request: AuthRequest = { headers: new Headers(), url: new URL("ws://a/"), token: null }
const read = { principal: null, doc: "d", action: "read" } as const
const yes: AccessOptions<User> = { authenticate: () => ({ id: "ann" }), authorize: () => true }

/** Access control, and what it reports to the operator. */
function gateOf(options: Partial<AccessOptions<User>>, answerMsMax?: number) {
  const said: unknown[] = []
  const access = new AccessControl<User>({ ...yes, ...options }, answerMsMax, {
    log: (event) => said.push(event),
    failed: ({ event, error, code, ...context }) => said.push({ event, code, error, ...context }),
    notify: (error, context) => said.push({ reported: error.code, ...context }),
  })
  return { access, said }
}

describe("authorize (S3)", () => {
  test("grants access on true alone: not on a truthy value, nor on a promise of one", async () => {
    for (const answer of [true, Promise.resolve(true)])
      expect(await gateOf({ authorize: () => answer }).access.may(read)).toBe(true)
    for (const answer of [false, 1, "yes", {}, null, undefined, Promise.resolve(1), () => true])
      expect(await gateOf({ authorize: () => answer as boolean }).access.may(read)).toBe(false)
  })

  test("that throws, rejects or times out is AUTHORIZE_FAILED, with the document", async () => {
    const error = new Error("the database is away")
    const never = new Promise<boolean>(() => {})
    for (const authorize of [
      () => {
        throw error
      },
      () => Promise.reject(error),
      () => never,
    ]) {
      const { access, said } = gateOf({ authorize }, 5)
      const failure = { code: "AUTHORIZE_FAILED", message: ERROR_CODES.AUTHORIZE_FAILED }
      await expect(access.may(read)).rejects.toMatchObject(failure)
      expect(said).toMatchObject([{ event: "authorize-failed", code: "AUTHORIZE_FAILED", doc: "d" }])
    }
  })
})

describe("authenticate (S3)", () => {
  test("that answers null or nothing is an anonymous connection", async () => {
    for (const answer of [null, undefined, Promise.resolve(null), Promise.resolve(undefined)])
      expect(await gateOf({ authenticate: () => answer as null }).access.authenticate(request)).toBe(null)
  })

  test("is called on the app's own object, with the request", async () => {
    const options = {
      ...yes,
      id: "of the object",
      authenticate(asked: AuthRequest) {
        expect(asked).toBe(request)
        return { id: this.id }
      },
    }
    expect(await new AccessControl<User>(options).authenticate(request)).toEqual({ id: "of the object" })
  })

  test("that throws is AUTH_REQUIRED and is reported; a thrown AUTH_REQUIRED is not reported", async () => {
    const refusing = gateOf({
      authenticate: () => {
        throw new LfError("AUTH_REQUIRED", "no session")
      },
    })
    await expect(refusing.access.authenticate(request)).rejects.toMatchObject({ code: "AUTH_REQUIRED" })
    expect(refusing.said).toEqual([])
    for (const error of [new Error("away"), new LfError("LOG_FULL", "full"), { code: "AUTH_REQUIRED" }]) {
      const failing = gateOf({
        authenticate: () => {
          throw error
        },
      })
      await expect(failing.access.authenticate(request)).rejects.toMatchObject({ code: "AUTH_REQUIRED" })
      expect(failing.said).toEqual([{ event: "authenticate-failed", code: "AUTH_REQUIRED", error }])
    }
  })

  test("that returns an invalid id is USER_ID_INVALID, logged and reported without the id", async () => {
    const { access, said } = gateOf({ authenticate: () => ({ id: "" }) })
    await expect(access.authenticate(request)).rejects.toMatchObject({ code: "USER_ID_INVALID" })
    expect(said).toMatchObject([
      { level: "error", event: "user-id-invalid", code: "USER_ID_INVALID", detail: expect.stringContaining("id") },
      { reported: "USER_ID_INVALID" },
    ])
  })
})

describe("authMsMax", () => {
  test("ends a question exactly then; one that was answered leaves no timer behind", async () => {
    vi.useFakeTimers()
    const { access } = gateOf({ authorize: () => new Promise(() => {}) }, 100)
    let outcome: unknown = null
    void access.may(read).catch((error) => {
      outcome = error
    })
    await vi.advanceTimersByTimeAsync(99)
    expect(outcome).toBe(null)
    await vi.advanceTimersByTimeAsync(1)
    expect(outcome).toMatchObject({ code: "AUTHORIZE_FAILED" })
    // In the process of another test file its timers are among them.
    const before = vi.getTimerCount()
    await gateOf({ authorize: async () => true }, 100).access.may(read)
    expect(vi.getTimerCount()).toBe(before)
  })

  test("holds for a function that is a thenable too; an object without then is an answer", async () => {
    const thenable = Object.assign(() => {}, {
      // biome-ignore lint/suspicious/noThenProperty: a thenable is what is tested
      then: (done: (answer: boolean) => void) => done(true),
    })
    expect(await gateOf({ authorize: () => thenable as never }).access.may(read)).toBe(true)
    // biome-ignore lint/suspicious/noThenProperty: as above
    expect(await gateOf({ authorize: () => ({ then: true }) as never }).access.may(read)).toBe(false)
  })
})

describe("an option that is missing (S3)", () => {
  const without = (name: keyof AccessOptions<User>) => gateOf({ [name]: undefined })

  test.each([
    ["authenticate", "AUTHENTICATE_MISSING"],
    ["authorize", "AUTHORIZE_MISSING"],
  ] as const)("%s: production does not start", (name, code) => {
    vi.stubEnv("NODE_ENV", "production")
    expect(() => without(name)).toThrow(expect.objectContaining({ code, message: ERROR_CODES[code] }))
  })

  test("in development it is said once, with what it means and that production refuses", () => {
    vi.stubEnv("NODE_ENV", "development")
    const said = [without("authorize").said, without("authorize").said, without("authenticate").said].flat()
    expect(said).toEqual([
      {
        level: "warn",
        event: "option-missing",
        code: "AUTHORIZE_MISSING",
        detail: "createLf has no authorize(): every connection may read and write; production refuses",
      },
      {
        level: "warn",
        event: "option-missing",
        code: "AUTHENTICATE_MISSING",
        detail: "createLf has no authenticate(): every connection is anonymous; production refuses",
      },
    ])
  })

  test("in development every connection may read, and is anonymous", async () => {
    vi.stubEnv("NODE_ENV", "development")
    expect(await without("authorize").access.may(read)).toBe(true)
    expect(await without("authenticate").access.authenticate(request)).toBe(null)
  })
})
