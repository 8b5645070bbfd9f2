import { expect, test } from "vitest"
import { lsn } from "../base/lsn.ts"
import { mutationCodec } from "../timeline/mutation.ts"
import { type MayWrite, refusedRanges } from "./refused-ranges.ts"

const uid = "00000000-0000-4000-8000-000000000000"
const entryOf = (name: string) =>
  name === "broken" ? new Uint8Array([9]) : mutationCodec.encode({ uid, name, args: null, at: 1 })

/** The refused ranges of mutations with these names after position 10, and the names that `mayWrite` was called with. */
async function refused(names: readonly string[], mayWrite?: MayWrite) {
  const asked: string[] = []
  const ask: MayWrite | undefined =
    mayWrite === undefined
      ? undefined
      : (name) => {
          asked.push(name)
          return mayWrite(name)
        }
  const batch = { from: lsn(10), previousHash: 0n, entries: names.map(entryOf) }
  const ranges = await refusedRanges(batch, { mayWrite: ask, isMutation: (name) => name !== "Unknown" })
  return { ranges: ranges.map(({ from, to, code }) => `${from}-${to} ${code}`), asked }
}

test("without mayWrite only entries that cannot be a mutation are refused (T38)", async () => {
  expect((await refused(["Add", "Remove"])).ranges).toEqual([])
  expect((await refused(["Add", "Unknown", "broken"])).ranges).toEqual([
    "11-12 MUTATION_UNKNOWN",
    "12-13 BYTES_MALFORMED",
  ])
})

test("mayWrite is called once per name that the app has, in the order of the batch (T38)", async () => {
  const { ranges, asked } = await refused(["Add", "Unknown", "Add", "Remove", "broken", "Remove"], () => true)
  expect(asked).toEqual(["Add", "Remove"])
  expect(ranges).toEqual(["11-12 MUTATION_UNKNOWN", "14-15 BYTES_MALFORMED"])
})

test("adjacent entries with one code are one range, for promises and booleans (S21)", async () => {
  const mayWrite: MayWrite = async (name) => name !== "Remove"
  const { ranges } = await refused(["Remove", "Remove", "Unknown", "Add", "Remove", "Remove"], mayWrite)
  expect(ranges).toEqual(["10-12 MUTATION_FORBIDDEN", "12-13 MUTATION_UNKNOWN", "14-16 MUTATION_FORBIDDEN"])
  expect((await refused(["Add"], () => false)).ranges).toEqual(["10-11 MUTATION_FORBIDDEN"])
})

test("a mutation with an empty name is like any other (S9)", async () => {
  const { asked } = await refused([""], () => true)
  expect(asked).toEqual([""])
})
