import { describe, expect, test } from "vitest"
import { asPrincipal, authorOf, keepAuthor, keptAuthor, PRINCIPAL_BYTES_MAX, userOf } from "./author.ts"

describe("an author", () => {
  test.each([null, "system", { id: "ann" }, { id: "ann", roles: ["owner"] }] as const)(
    "%o is kept as it is",
    (author) => {
      expect(keptAuthor(keepAuthor(author))).toEqual(author)
    },
  )

  test("is kept in no more bytes than its user where that says all", () => {
    expect([keepAuthor(null), keepAuthor({ id: "ann" })]).toEqual([{ user: null }, { user: "ann" }])
    expect([userOf("system"), userOf(null), userOf({ id: "ann" })]).toEqual([null, null, "ann"])
    expect([authorOf(null), authorOf("ann")]).toEqual([null, { id: "ann" }])
  })
})

describe("a principal", () => {
  test("is what JSON carries of it: of a class or with a Date it becomes plain", () => {
    class Session {
      readonly id = "ann"
      readonly since = new Date(0)
      readonly check = () => true
    }
    expect(asPrincipal(new Session())).toEqual({ id: "ann", since: "1970-01-01T00:00:00.000Z" })
  })

  test(`has at most ${PRINCIPAL_BYTES_MAX} bytes, else PRINCIPAL_INVALID (I17)`, () => {
    const of = (length: number) => ({ id: "ann", bio: "x".repeat(length) })
    const overhead = JSON.stringify(of(0)).length
    expect(asPrincipal(of(PRINCIPAL_BYTES_MAX - overhead))).toMatchObject({ id: "ann" })
    expect(() => asPrincipal(of(PRINCIPAL_BYTES_MAX - overhead + 1))).toThrow(
      expect.objectContaining({ code: "PRINCIPAL_INVALID" }),
    )
    const circular: { id: string; self?: unknown } = { id: "ann" }
    circular.self = circular
    for (const bad of [circular, { id: "ann", n: 1n }])
      expect(() => asPrincipal(bad)).toThrow(expect.objectContaining({ code: "PRINCIPAL_INVALID" }))
  })
})
