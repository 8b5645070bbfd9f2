import { LfProvider, sql, useMutation, useQuery } from "@lf/react"
import { memoryWorker } from "@lf/react/testing"
import { cleanup, fireEvent, render, screen } from "@testing-library/react"
import { afterEach, expect, test } from "vitest"
import { AcceptInvite, Invite, type Member, StartList } from "../app/lf/members"
import { mutator } from "../app/lf/mutators"
import { Members } from "../app/members"

afterEach(cleanup)

const hash = "0".repeat(64)

/** The members as Ada sees them, on real SQLite, without a server. */
function Page() {
  const members = useQuery(sql<Member>`select user_id as user, name, role from members order by name`)
  const start = useMutation(StartList)
  const invite = useMutation(Invite)
  const accept = useMutation(AcceptInvite)
  const me = members.data?.find(({ user }) => user === "ada")
  return (
    <>
      <button type="button" onClick={() => start.mutate({ title: "Trip", name: "Ada" })}>
        start
      </button>
      <button type="button" onClick={() => invite.mutate({ hash, role: "viewer" })}>
        invite
      </button>
      <button type="button" onClick={() => accept.mutate({ hash, user: "ben", name: "Ben" })}>
        accept
      </button>
      <output>{accept.error?.message}</output>
      {me && <Members me={me} members={members.data ?? []} />}
    </>
  )
}

function show() {
  render(
    <LfProvider doc="test" user="ada" worker={memoryWorker({ mutator })}>
      <Page />
    </LfProvider>,
  )
}

const click = (name: string) => fireEvent.click(screen.getByRole("button", { name }))
const shown = () => screen.queryAllByTestId("member").map(({ textContent }) => textContent)

test("who starts a list owns it; an invitation is good once; who is removed is gone", async () => {
  show()
  click("start")
  await expect.poll(shown).toEqual(["Ada owner"])
  click("invite")
  click("accept")
  await expect.poll(shown).toEqual(["Ada owner", "Ben viewerRemove"])
  click("Remove Ben")
  await expect.poll(shown).toEqual(["Ada owner"])
  click("accept")
  await expect.poll(() => screen.getByRole("status").textContent).toContain("INVITE_GONE")
})
