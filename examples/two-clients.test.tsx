// @vitest-environment jsdom
// Two devices and a server in one test: a network that is cut and healed, and a mutation that the server rejects.
import {
  defineMutation,
  defineMutator,
  LfProvider,
  newId,
  Reject,
  sql,
  useMutation,
  useQuery,
  useRejectedMutations,
  useSyncStatus,
} from "@lf/react"
import { type TestClient, testServer } from "@lf/react/testing"
import { act, cleanup, fireEvent, render, screen, within } from "@testing-library/react"
import { afterEach, expect, test } from "vitest"
import { z } from "zod"

interface Seat {
  readonly seat: string
  readonly who: string
}

const Book = defineMutation("Book", z.object({ id: z.string(), seat: z.string() }), (tx, { id, seat }) => {
  // Offline each device may book the same seat: the first that reaches the server has it.
  if (tx.get(sql`select 1 from bookings where seat = ${seat}`)) throw new Reject("taken", { seat })
  tx.run(sql`insert into bookings (id, seat, who) values (${id}, ${seat}, ${tx.user})`)
})

const mutator = defineMutator({
  migrations: [sql`create table bookings (id text primary key, seat text not null unique, who text not null) strict`],
  mutations: [Book],
})

function Seats({ name }: { name: string }) {
  const seats = useQuery(sql<Seat>`select seat, who from bookings order by seat`)
  const { mutate } = useMutation(Book)
  const { pending } = useSyncStatus()
  const rejections = useRejectedMutations()
  return (
    <section aria-label={name}>
      <button type="button" onClick={() => mutate({ id: newId(), seat: "1A" })}>
        Book 1A
      </button>
      <ul>
        {seats.data?.map(({ seat, who }) => (
          <li key={seat}>{`${seat}: ${who}`}</li>
        ))}
      </ul>
      <output>{pending} pending</output>
      {rejections.map(({ uid, code }) => (
        <p key={uid} role="alert">
          {code}
        </p>
      ))}
    </section>
  )
}

function show(name: string, { user, worker }: TestClient) {
  render(
    <LfProvider doc="flight" user={user} worker={worker}>
      <Seats name={name} />
    </LfProvider>,
  )
  return within(screen.getByRole("region", { name }))
}

afterEach(cleanup)

test("of two who book one seat while one is offline, the first at the server has it", async () => {
  await using server = await testServer({ mutator })
  const settled = () => act(() => server.settled())
  const phone = server.client({ user: "ada" })
  const ada = show("Ada's phone", phone)
  const bob = show("Bob's laptop", server.client({ user: "bob" }))
  await settled()

  act(() => phone.cut())
  fireEvent.click(ada.getByRole("button"))
  // At once on the device, without the server.
  await ada.findByText("1A: ada")
  ada.getByText("1 pending")

  fireEvent.click(bob.getByRole("button"))
  await settled()
  bob.getByText("1A: bob")

  act(() => phone.heal())
  await settled()
  // The server ran both in the order in which they came. Ada is asked to choose again.
  ada.getByText("1A: bob")
  ada.getByText("0 pending")
  expect(ada.getByRole("alert").textContent).toBe("taken")

  expect(await server.document("flight").query(sql`select seat, who from bookings`)).toEqual([
    { seat: "1A", who: "bob" },
  ])
  cleanup()
})
