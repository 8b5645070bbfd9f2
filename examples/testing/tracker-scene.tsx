// What the tests of the tracker share: a server with issues, and the page of a user in the test's own process.
import { LfProvider } from "@lf/react"
import { type TestClient, type TestServer, testServer } from "@lf/react/testing"
import { render, within } from "@testing-library/react"
import { useCallback, useState } from "react"
import { type Place, placeOf } from "../tracker/app/issues/address"
import { Tracker } from "../tracker/app/issues/tracker"
import { Join, mutator, Seed } from "../tracker/app/lf/mutators"

export async function seeded(count: number): Promise<TestServer> {
  const server = await testServer({ mutator })
  for (let from = 0; from < count; from += 500) {
    await server.document("t").mutate(Seed, { from, count: Math.min(500, count - from) })
  }
  return server
}

/** As the sign-in does. */
export async function join(server: TestServer, ...names: string[]): Promise<void> {
  for (const name of names) await server.document("t", { as: { id: name.toLowerCase() } }).mutate(Join, { name })
}

export function open(client: TestClient, name: string, search = "") {
  const { container } = render(
    <LfProvider doc="t" user={client.user} worker={client.worker}>
      <Page user={{ id: client.user ?? "", name }} search={search} />
    </LfProvider>,
  )
  return within(container)
}

/** Each has an address of its own. */
function Page({ user, search }: { user: { id: string; name: string }; search: string }) {
  const [place, setPlace] = useState(placeOf(search))
  const goTo = useCallback((change: Partial<Place>) => setPlace((from) => ({ ...from, ...change })), [])
  return <Tracker user={user} place={place} goTo={goTo} />
}

export const wait = { timeout: 10_000 }
