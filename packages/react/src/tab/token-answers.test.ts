import { expect, test } from "vitest"
import { type Auth, TokenAnswers } from "./token-answers.ts"

/** An `auth` that is asked, and answers when the test says so. */
function slowAuth() {
  const asked: { resolve: (token: string | null) => void; reject: (error: unknown) => void }[] = []
  const auth: Auth = () => new Promise((resolve, reject) => asked.push({ resolve, reject }))
  return { auth, asked }
}

test("a token is answered; an empty one, none and no auth at all are none (S2)", async () => {
  const answers = new TokenAnswers()
  expect(await answers.answer(async () => "abc")).toEqual({ type: "token", token: "abc" })
  for (const auth of [undefined, async () => null, async () => "", async () => 7 as never])
    expect(await answers.answer(auth)).toEqual({ type: "none" })
})

test("an auth that throws is answered with what it threw (S2)", async () => {
  const throwing = (thrown: unknown): Auth => {
    return () => {
      throw thrown
    }
  }
  const answers = new TokenAnswers()
  expect(await answers.answer(throwing(new Error("closed")))).toEqual({
    type: "failed",
    message: "auth() threw closed",
  })
  expect(await answers.answer(throwing("a text"))).toEqual({ type: "failed", message: "auth() threw a text" })
  expect(await answers.answer(() => Promise.reject(new Error("later")))).toMatchObject({ type: "failed" })
})

test("questions during one auth wait for its answer; a later one asks again (S2)", async () => {
  const answers = new TokenAnswers()
  const { auth, asked } = slowAuth()
  const both = [answers.answer(auth), answers.answer(auth)]
  expect(asked).toHaveLength(1)
  asked[0].resolve("one")
  expect(await Promise.all(both)).toEqual([
    { type: "token", token: "one" },
    { type: "token", token: "one" },
  ])
  const later = answers.answer(auth)
  expect(asked).toHaveLength(2)
  asked[1].resolve("two")
  expect(await later).toEqual({ type: "token", token: "two" })
})

test("another auth is called at once; the end of the older one does not end its wait (S2)", async () => {
  const answers = new TokenAnswers()
  const [old, fresh] = [slowAuth(), slowAuth()]
  const first = answers.answer(old.auth)
  const second = answers.answer(fresh.auth)
  expect(fresh.asked).toHaveLength(1)
  old.asked[0].resolve("old")
  expect(await first).toEqual({ type: "token", token: "old" })
  const third = answers.answer(fresh.auth)
  expect(fresh.asked).toHaveLength(1)
  fresh.asked[0].resolve("new")
  expect(await Promise.all([second, third])).toEqual([
    { type: "token", token: "new" },
    { type: "token", token: "new" },
  ])
})
