// @vitest-environment jsdom
import { defineMutation, defineMutator, type Outcome, Reject, sql, undoLog } from "@lf/core"
import { loadChecksum } from "@lf/core/internal"
import { act, cleanup, render, screen } from "@testing-library/react"
import { afterEach, beforeAll, expect, test, vi } from "vitest"
import { z } from "zod"
import { memoryWorker } from "../testing/index.ts"
import { memoryServer } from "../testing/memory-server.ts"
import { LfProvider } from "./provider.tsx"
import { useMutation } from "./use-mutation.ts"
import { useQuery } from "./use-query.ts"
import { type UndoResult, useUndo } from "./use-undo.ts"

const Add = defineMutation("Add", z.object({ text: z.string() }), (tx, { text }) => {
  if (text === "bad" && tx.side === "remote") throw new Reject("not-welcome")
  tx.run(sql`insert into notes values (${text}, 0)`)
})
const Star = defineMutation("Star", z.object({}), (tx) => {
  tx.run(sql`update notes set stars = stars + 1`)
})
const mutator = defineMutator({
  migrations: [sql`create table notes (text text primary key, stars integer not null) strict`, undoLog],
  mutations: [Add, Star],
})
const notes = sql<{ text: string; stars: number }>`select text, stars from notes order by rowid`

beforeAll(loadChecksum)
afterEach(cleanup)

let add: (text: string) => Promise<unknown>
let history: UndoResult
function Notes() {
  const { data } = useQuery(notes)
  const { mutateAsync } = useMutation(Add)
  add = (text) => mutateAsync({ text })
  history = useUndo()
  const { canUndo, canRedo } = history
  return <output>{`${data?.map(({ text, stars }) => text + "*".repeat(stars)).join()}|${canUndo}|${canRedo}`}</output>
}
const shows = (text: string) => vi.waitFor(() => expect(screen.getByRole("status").textContent).toBe(text))
const code = async (outcome: Promise<Outcome>) => {
  const { type, ...rest } = await act(() => outcome)
  return "code" in rest ? rest.code : type
}

async function page() {
  const { remote, network } = await memoryServer(mutator)
  const worker = memoryWorker({ mutator, network })
  render(
    <LfProvider doc="d" worker={worker}>
      <Notes />
    </LfProvider>,
  )
  await shows("|false|false")
  return remote
}

test("undo and redo go back and forth; a new mutation ends what could be done again", async () => {
  const remote = await page()
  await act(async () => {
    await add("a")
    await add("b")
  })
  await shows("a,b|true|false")
  expect([await code(history.undo()), await code(history.undo()), await code(history.undo())]).toEqual([
    "applied",
    "applied",
    "undo-nothing",
  ])
  await shows("|false|true")
  expect(await code(history.redo())).toBe("applied")
  await shows("a|true|true")
  await act(() => add("c"))
  await shows("a,c|true|false")
  expect(await code(history.redo())).toBe("undo-nothing")
  expect(await remote.read(notes)).toEqual([
    { text: "a", stars: 0 },
    { text: "c", stars: 0 },
  ])
  await remote.close()
})

test("what another user changed meanwhile is not undone, here or at the server; what was rejected is left out", async () => {
  const remote = await page()
  await act(() => add("a"))
  await shows("a|true|false")
  await remote.mutate("Star", {}, { id: "bo" })
  await shows("a*|true|false")
  expect(await code(history.undo())).toBe("undo-conflict")
  await shows("a*|false|false")
  await act(() => add("bad"))
  await shows("a*|false|false")
  await act(() => add("b"))
  // It comes to the server after the other user's, unseen.
  const undone = history.undo()
  await remote.mutate("Star", {}, { id: "bo" })
  expect(["applied", "undo-conflict"]).toContain(await code(undone))
  await remote.close()
})
