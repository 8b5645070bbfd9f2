import { expect, test } from "vitest"
import { DocumentPool } from "./document-pool.ts"

test("over its limit an opening waits for the next place that is given back, in order (I17)", async () => {
  let asked = 0
  const pool = new DocumentPool(() => asked++, 2)
  const [giveBack, last] = [await pool.take(), await pool.take()]
  expect(asked).toBe(0)
  const got: string[] = []
  const waiting = ["a", "b"].map(async (name) => {
    const back = await pool.take()
    got.push(name)
    return back
  })
  await Promise.resolve()
  expect([got, asked]).toEqual([[], 2])
  giveBack()
  giveBack()
  const [first] = await Promise.all([waiting[0]])
  expect(got).toEqual(["a"])
  first()
  await waiting[1]
  expect(got).toEqual(["a", "b"])
  last()
  await pool.take()
})
