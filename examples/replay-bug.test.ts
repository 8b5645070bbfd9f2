// A bug that a user had: the file of "Export this bug" is opened in a test, which first shows the fault and then holds the repair.
import { readFile } from "node:fs/promises"
import { type DefinedMutation, defineMutation, defineMutator, sql } from "@lf/react"
import { replayBug } from "@lf/react/testing"
import { expect, test } from "vitest"
import { z } from "zod"

const expense = z.object({
  id: z.string(),
  what: z.string(),
  cents: z.number().int(),
  people: z.array(z.string()).min(1),
})
type Expense = z.infer<typeof expense>

/** What each of `people` pays of `cents`. */
type Share = (expense: Pick<Expense, "cents" | "people">) => readonly number[]

const shareOfThen: Share = ({ cents, people }) => people.map(() => Math.floor(cents / people.length))
/** The first ones pay a cent more, so that nothing is left. */
const share: Share = ({ cents, people }) =>
  people.map((_, i) => Math.floor(cents / people.length) + (i < cents % people.length ? 1 : 0))

/** The app's mutation, in both versions. */
function splitWith(shares: Share): DefinedMutation<Expense> {
  return defineMutation("Split", expense, (tx, { id, what, cents, people }) => {
    tx.run(sql`insert into expenses (id, what, cents) values (${id}, ${what}, ${cents})`)
    shares({ cents, people }).forEach((part, i) => {
      tx.run(sql`insert into shares (expense, person, cents) values (${id}, ${people[i]}, ${part})`)
    })
  })
}

function mutatorWith(split: DefinedMutation<Expense>) {
  return defineMutator({
    migrations: [
      sql`create table expenses (id text primary key, what text not null, cents integer not null) strict`,
      sql`create table shares (expense text not null references expenses, person text not null, cents integer not null,
        primary key (expense, person)) strict`,
    ],
    mutations: [split],
  })
}

/** Expenses whose shares do not add up. */
const wrong = sql<{ what: string; lost: number }>`select what, expenses.cents - sum(shares.cents) as lost from expenses
  join shares on expense = id group by id having lost <> 0`

const file = await readFile(new URL("replay-bug.lfbug", import.meta.url), "utf8")

test("with the code of then, a cent of the dinner is lost", async () => {
  await using bug = await replayBug(file, { mutator: mutatorWith(splitWith(shareOfThen)) })
  expect(bug.notes.doc).toBe("trip")
  expect(bug.pending.map(({ name, args }) => ({ name, args }))).toEqual([
    { name: "Split", args: { id: "2", what: "dinner", cents: 10_000, people: ["ada", "bob", "cy"] } },
  ])
  expect(await bug.query(wrong)).toEqual([{ what: "dinner", lost: 1 }])
})

test("with the code of now, the dinner adds up, and so does what is written next", async () => {
  const Split = splitWith(share)
  await using bug = await replayBug(file, { mutator: mutatorWith(Split) })
  await bug.mutate(Split, { id: "3", what: "taxi", cents: 1_001, people: ["ada", "bob"] })
  expect(await bug.query(wrong)).toEqual([])
})
