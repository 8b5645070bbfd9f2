// @vitest-environment jsdom
// Kysely builds the statements: with its types, in components, in mutators and at the server.
import { defineMutation, defineMutator, LfProvider, sql, useMutation, useQuery } from "@lf/react"
import { testServer } from "@lf/react/testing"
import { act, cleanup, fireEvent, render, screen } from "@testing-library/react"
import { DummyDriver, Kysely, SqliteAdapter, SqliteIntrospector, SqliteQueryCompiler } from "kysely"
import { afterEach, expect, test } from "vitest"
import { z } from "zod"

interface Schema {
  books: { id: string; title: string; pages: number | null }
}

/** It builds statements and has no database: lf runs them. */
const db = new Kysely<Schema>({
  dialect: {
    createAdapter: () => new SqliteAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (any) => new SqliteIntrospector(any),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  },
})

const AddBook = defineMutation("AddBook", z.object({ title: z.string(), pages: z.number().nullable() }), (tx, book) => {
  tx.run(db.insertInto("books").values({ id: tx.id(), ...book }))
})
const mutator = defineMutator({
  migrations: [sql`create table books (id text primary key, title text not null, pages integer) strict`],
  mutations: [AddBook],
})

function Books({ longerThan }: { longerThan: number }) {
  const books = useQuery(
    db.selectFrom("books").select(["title", "pages"]).where("pages", ">", longerThan).orderBy("title"),
  )
  const { mutate } = useMutation(AddBook)
  return (
    <>
      <button type="button" onClick={() => mutate({ title: "Middlemarch", pages: 880 })}>
        Add
      </button>
      <ul>
        {books.data?.map(({ title, pages }) => (
          <li key={title}>{`${title}: ${pages?.toFixed()}`}</li>
        ))}
      </ul>
    </>
  )
}

afterEach(cleanup)

test("Kysely's queries are live, and its statements write", async () => {
  await using server = await testServer({ mutator })
  await server.document("shelf").mutate(AddBook, { title: "Candide", pages: 120 })
  const ada = server.client({ user: "ada" })
  render(
    <LfProvider doc="shelf" user={ada.user} worker={ada.worker}>
      <Books longerThan={500} />
    </LfProvider>,
  )
  await act(() => server.settled())
  expect(screen.queryAllByRole("listitem")).toHaveLength(0)
  fireEvent.click(screen.getByRole("button"))
  await act(() => server.settled())
  expect(screen.getByRole("listitem").textContent).toBe("Middlemarch: 880")

  const longest = await server
    .document("shelf")
    .query(db.selectFrom("books").select(({ fn }) => fn.max("pages").as("n")))
  expect(longest).toEqual([{ n: 880 }])
  cleanup()
})
