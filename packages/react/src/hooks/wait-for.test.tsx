// @vitest-environment jsdom
import { defineMutation, defineMutator, sql } from "@lf/core"
import { act, cleanup, render, screen } from "@testing-library/react"
import { afterEach, expect, test } from "vitest"
import { z } from "zod"
import { memoryWorker } from "../testing/index.ts"
import { memoryServer } from "../testing/memory-server.ts"
import { LfProvider } from "./provider.tsx"
import { type Document, useDocument } from "./use-document.ts"
import { useQuery } from "./use-query.ts"

const Add = defineMutation("Add", z.object({ id: z.number() }), (tx, { id }) => {
  tx.run(sql`insert into todos values (${id})`)
})
const mutator = defineMutator({
  migrations: [sql`create table todos (id integer primary key) strict`],
  mutations: [Add],
})

afterEach(cleanup)

let doc: Document
function Todos() {
  doc = useDocument()
  const { data } = useQuery(sql<{ id: number }>`select id from todos order by id`)
  return <output>{data?.map(({ id }) => id).join(" ")}</output>
}

test("a page that waits for the lsn of another's mutation shows its rows then, however long it was offline", async () => {
  const { remote, network } = await memoryServer(mutator)
  const worker = memoryWorker({ mutator, network })
  render(
    <LfProvider doc="d" worker={worker}>
      <Todos />
    </LfProvider>,
  )
  for (const id of [1, 2]) {
    const outcome = await remote.mutate("Add", { id }, null)
    if (outcome.type !== "applied") throw new Error("it is applied")
    await act(() => doc.waitFor(outcome.lsn))
    expect(screen.getByRole("status").textContent).toBe(id === 1 ? "1" : "1 2")
  }
  await act(() => doc.waitFor(1))
  network.setOnline(false)
  const outcome = await remote.mutate("Add", { id: 3 }, null)
  let isThere = false
  const waiting = doc.waitFor(outcome.type === "applied" ? outcome.lsn : 0).then(() => {
    isThere = true
  })
  await act(() => new Promise((resolve) => setTimeout(resolve, 50)))
  expect(isThere).toBe(false)
  network.setOnline(true)
  await act(() => waiting)
  expect(screen.getByRole("status").textContent).toBe("1 2 3")
  await remote.close()
})
