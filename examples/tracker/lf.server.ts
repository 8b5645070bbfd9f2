import { isLfError, sql } from "@lf/core"
import { createLf } from "@lf/next"
import { cookieName, type User, userOf } from "./app/account/session"
import { mutator, Seed } from "./app/lf/mutators"
import { seededCount } from "./app/lf/seed"
import { trackerId } from "./app/lf/values"

const PART = 500

export const lf = createLf<User>({
  mutator,
  dataDir: process.env.LF_DATA_DIR || ".lf-tracker",
  authenticate: ({ headers }) => {
    const found = new RegExp(`(?:^|; )${cookieName}=([^;]+)`).exec(headers.get("cookie") ?? "")
    return userOf(found?.[1])
  },
  // Who is signed in reads and writes the one tracker; only the server itself seeds it.
  authorize: ({ principal, doc, mutation }) => principal !== null && doc === trackerId && mutation !== Seed.name,
})

/** What an earlier process left unfinished is finished. */
export async function seedTracker(): Promise<void> {
  const tracker = lf.document(trackerId, { as: "system" })
  let from = 0
  try {
    const count = sql<{ n: number }>`select count(*) as n from issues where id like 'seed-%'`
    from = (await tracker.query(count))[0]?.n ?? 0
  } catch (error) {
    if (!isLfError(error) || error.code !== "DOC_NOT_FOUND") throw error
  }
  for (; from < seededCount; from += PART) {
    const outcome = await tracker.mutate(Seed, { from, count: PART })
    if (outcome.type === "rejected") throw new Error(`the issues could not be made: ${outcome.code}`)
  }
}
