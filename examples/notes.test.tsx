// @vitest-environment jsdom
// A component test without a browser or a server: real SQLite, the worker in this process.
import { defineMutation, defineMutator, LfProvider, newId, Reject, sql, useMutation, useQuery } from "@lf/react"
import { memoryWorker } from "@lf/react/testing"
import { cleanup, render, screen } from "@testing-library/react"
import { afterEach, expect, test } from "vitest"
import { z } from "zod"

interface Note {
  readonly id: string
  readonly text: string
}

const AddNote = defineMutation("AddNote", z.object({ id: z.string(), text: z.string().min(1) }), (tx, { id, text }) => {
  const { n } = tx.get<{ n: number }>(sql`select count(*) as n from notes`) ?? { n: 0 }
  if (n >= 3) throw new Reject("too-many", { max: 3 })
  tx.run(sql`insert into notes (id, text) values (${id}, ${text})`)
})

const mutator = defineMutator({
  migrations: [sql`create table notes (id text primary key, text text not null) strict`],
  mutations: [AddNote],
})

function Notes() {
  const notes = useQuery(sql<Note>`select * from notes order by id`)
  const add = useMutation(AddNote)
  return (
    <>
      <button type="button" onClick={() => add.mutate({ id: newId(), text: "a note" })}>
        Add
      </button>
      {add.error && <p role="alert">{add.error.message}</p>}
      <ul>
        {notes.data?.map((note) => (
          <li key={note.id}>{note.text}</li>
        ))}
      </ul>
    </>
  )
}

afterEach(cleanup)

test("notes are added until the mutator refuses", async () => {
  render(
    <LfProvider doc="notes" worker={memoryWorker({ mutator })}>
      <Notes />
    </LfProvider>,
  )
  for (let i = 1; i <= 3; i++) {
    screen.getByRole("button").click()
    await expect.poll(() => screen.queryAllByRole("listitem").length).toBe(i)
  }
  screen.getByRole("button").click()
  await screen.findByText("AddNote: too-many")
  expect(screen.getAllByRole("listitem")).toHaveLength(3)
})
