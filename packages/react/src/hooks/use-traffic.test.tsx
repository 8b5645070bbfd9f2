// @vitest-environment jsdom
import { defineMutation, defineMutator, sql } from "@lf/core"
import { act, cleanup, render, screen, waitFor } from "@testing-library/react"
import { afterEach, expect, test } from "vitest"
import { z } from "zod"
import type { Traffic } from "../rpc/protocol.ts"
import { testServer } from "../testing/index.ts"
import { LfProvider } from "./provider.tsx"
import { useTraffic } from "./use-document.ts"
import { useMutation } from "./use-mutation.ts"
import { useQuery } from "./use-query.ts"

const Add = defineMutation("Add", z.object({ id: z.number() }), (tx, { id }) => {
  tx.run(sql`insert into todos values (${id})`)
})
const mutator = defineMutator({
  migrations: [sql`create table todos (id integer primary key) strict`],
  mutations: [Add],
})

afterEach(cleanup)

let traffic: Traffic
let add: (id: number) => void
function Todos() {
  traffic = useTraffic()
  const { mutate } = useMutation(Add)
  add = (id) => mutate({ id })
  const { data } = useQuery(sql<{ id: number }>`select id from todos order by id`)
  return <output>{data?.map(({ id }) => id).join(" ")}</output>
}

test("bytes and pages that went over the wire are counted, and how often pending work was run again", async () => {
  await using server = await testServer({ mutator })
  const { worker } = server.client()
  render(
    <LfProvider doc="d" worker={worker}>
      <Todos />
    </LfProvider>,
  )
  expect(traffic).toEqual({ bytesIn: 0, bytesOut: 0, pagesIn: 0, rebases: 0 })
  await waitFor(() => expect(traffic.pagesIn).toBeGreaterThan(0))
  const before = traffic
  act(() => add(1))
  await waitFor(() => expect(screen.getByRole("status").textContent).toBe("1"))
  await waitFor(() => expect(traffic.rebases).toBeGreaterThan(before.rebases))
  expect(traffic.bytesOut).toBeGreaterThan(before.bytesOut)
  expect(traffic.bytesIn).toBeGreaterThan(before.bytesIn)
  expect(traffic.pagesIn).toBeGreaterThan(before.pagesIn)
})
