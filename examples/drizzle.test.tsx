// @vitest-environment jsdom
// Drizzle builds the statements: with its types, in components, in mutators and at the server.
import { defineMutation, defineMutator, LfProvider, sql, useMutation, useQuery } from "@lf/react"
import { testServer } from "@lf/react/testing"
import { act, cleanup, fireEvent, render, screen } from "@testing-library/react"
import { asc, eq, gt, max } from "drizzle-orm"
import { integer, sqliteTable, text } from "drizzle-orm/sqlite-core"
import { drizzle } from "drizzle-orm/sqlite-proxy"
import { afterEach, expect, test } from "vitest"
import { z } from "zod"

// A row has its columns' names: the keys here must be the same. Modes such as `boolean` are Drizzle's own and not applied.
const books = sqliteTable("books", { id: text().primaryKey(), title: text().notNull(), pages: integer() })

/** It builds statements and has no database: lf runs them. */
const db = drizzle(() => Promise.reject(new Error("lf runs the statements")))

const AddBook = defineMutation("AddBook", z.object({ title: z.string(), pages: z.number().nullable() }), (tx, book) => {
  tx.run(db.insert(books).values({ id: tx.id(), ...book }))
})
const Rename = defineMutation("Rename", z.object({ from: z.string(), to: z.string() }), (tx, { from, to }) => {
  tx.run(db.update(books).set({ title: to }).where(eq(books.title, from)))
})
const mutator = defineMutator({
  migrations: [sql`create table books (id text primary key, title text not null, pages integer) strict`],
  mutations: [AddBook, Rename],
})

function Books({ longerThan }: { longerThan: number }) {
  const { id, title, pages } = books
  const long = useQuery(db.select({ id, title, pages }).from(books).where(gt(pages, longerThan)).orderBy(asc(title)))
  const { mutate } = useMutation(AddBook)
  return (
    <>
      <button type="button" onClick={() => mutate({ title: "Middlemarch", pages: 880 })}>
        Add
      </button>
      <ul>
        {long.data?.map((book) => (
          <li key={book.id}>{`${book.title.trim()}: ${book.pages?.toFixed()}`}</li>
        ))}
      </ul>
    </>
  )
}

afterEach(cleanup)

test("Drizzle's queries are live, and its statements write", async () => {
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

  const shelf = server.document("shelf")
  expect(await shelf.mutate(Rename, { from: "Candide", to: "Zadig" })).toMatchObject({ type: "applied" })
  expect(await shelf.query(db.select({ n: max(books.title).as("n") }).from(books))).toEqual([{ n: "Zadig" }])
  cleanup()
})
