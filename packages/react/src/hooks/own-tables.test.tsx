// @vitest-environment jsdom
import { defineMutation, defineMutator, type LfError, ownDocId, sql } from "@lf/core"
import { loadChecksum } from "@lf/core/internal"
import { QueryClient } from "@tanstack/react-query"
import { act, cleanup, render, screen, within } from "@testing-library/react"
import { Component, type ReactNode } from "react"
import { afterEach, beforeAll, expect, test, vi } from "vitest"
import { z } from "zod"
import { memoryWorker, testServer } from "../testing/index.ts"
import { LfProvider } from "./provider.tsx"
import { useMutation } from "./use-mutation.ts"
import { useQuery } from "./use-query.ts"

// The tracker's unread marks: issues are shared, what a user has read is that user's own.

const id = z.object({ id: z.string() })
const AddIssue = defineMutation("AddIssue", id, (tx, { id }) => {
  tx.run(sql`insert into issues values (${id})`)
})
const MarkRead = defineMutation("MarkRead", id, (tx, { id }) => {
  tx.run(sql`insert or ignore into marks values (${id})`)
})
const mutator = defineMutator({
  migrations: [
    sql`create table issues (id text primary key) strict`,
    sql`create table marks (issue text primary key) strict`,
  ],
  mutations: [AddIssue, MarkRead],
})
const issues = sql<{ id: string; read: 0 | 1 }>`
  select i.id, m.issue is not null read from issues i left join own.marks m on m.issue = i.id order by i.id`

beforeAll(loadChecksum)
afterEach(cleanup)

const calls: Record<string, { add(id: string): Promise<unknown>; read(id: string): Promise<unknown> }> = {}

function Issues({ name }: { name: string }) {
  const { data, error } = useQuery(issues, { own: true })
  const add = useMutation(AddIssue)
  const read = useMutation(MarkRead, { own: true })
  calls[name] = { add: (id) => add.mutateAsync({ id }), read: (id) => read.mutateAsync({ id }) }
  return <output>{error?.code ?? data?.map(({ id, read }) => (read === 1 ? id : `*${id}`)).join()}</output>
}

class Boundary extends Component<{ children: ReactNode }, { error: LfError | null }> {
  override state = { error: null as LfError | null }
  static getDerivedStateFromError(error: LfError) {
    return { error }
  }
  override render() {
    return this.state.error === null ? this.props.children : <output>{this.state.error.code}</output>
  }
}

const shows = (name: string, text: string) =>
  vi.waitFor(() => expect(within(screen.getByLabelText(name)).getByRole("status").textContent).toBe(text), {
    timeout: 5_000,
  })

test("what one user has read is joined with what all see, and reaches that user's devices alone", async () => {
  const server = await testServer({ mutator })
  const devices = ["ann", "bo", "ann 2"].map((name) => ({ name, device: server.client({ user: name.split(" ")[0] }) }))
  const queryClients = devices.map(() => new QueryClient())
  render(
    devices.map(({ name, device }, i) => (
      <section key={name} aria-label={name}>
        <LfProvider doc="tracker" user={device.user} worker={device.worker} queryClient={queryClients[i]}>
          <Issues name={name} />
        </LfProvider>
      </section>
    )),
  )
  await act(() => calls.ann.add("1"))
  await act(() => calls.bo.add("2"))
  for (const { name } of devices) await shows(name, "*1,*2")
  await act(() => calls.ann.read("1"))
  await shows("ann", "1,*2")
  await shows("ann 2", "1,*2")
  await shows("bo", "*1,*2")
  const marks = sql`select issue from marks`
  await vi.waitFor(async () => {
    expect(await server.document(ownDocId("ann")).query(marks)).toEqual([{ issue: "1" }])
  })
  expect(await server.document("tracker").query(marks)).toEqual([])
  await expect(server.document(ownDocId("ann"), { as: { id: "bo" } }).query(marks)).rejects.toMatchObject({
    code: "FORBIDDEN",
  })
  await server.close()
})

test("own tables without a user are AUTH_REQUIRED", () => {
  vi.spyOn(console, "error").mockReturnValue()
  render(
    <LfProvider doc="tracker" worker={memoryWorker({ mutator })}>
      <Boundary>
        <Issues name="no one" />
      </Boundary>
    </LfProvider>,
  )
  expect(screen.getByRole("status").textContent).toBe("AUTH_REQUIRED")
  vi.restoreAllMocks()
})
