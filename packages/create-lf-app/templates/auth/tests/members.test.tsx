// Two devices and a server that asks the app's own rights, in this process.
import { createHash } from "node:crypto"
import { LfProvider, sql } from "@lf/react"
import { type TestClient, type TestServer, testServer } from "@lf/react/testing"
import { act, cleanup, fireEvent, render, within } from "@testing-library/react"
import { afterEach, beforeEach, expect, test, vi } from "vitest"
import { AcceptInvite, homeOf, StartList } from "../app/lf/members"
import { mutator } from "../app/lf/mutators"
import { isAllowed } from "../app/lf/rights"
import { OpenList } from "../app/shared-list"
import type { User } from "../auth.server"

const push = vi.hoisted(() => vi.fn())
vi.mock("next/navigation", () => ({ useRouter: () => ({ push }) }))

const ada = { id: "ada", name: "Ada" }
const ben = { id: "ben", name: "Ben" }
let server: TestServer

beforeEach(async () => {
  server = await testServer({ mutator, authorize: (request) => isAllowed(request, (doc) => server.document(doc)) })
  await server.document("trip", { as: ada }).mutate(StartList, { title: "Trip", name: ada.name })
})
afterEach(async () => {
  cleanup()
  await server.close()
})

/** The list's page on a device of the user's. */
function show(user: User, device: TestClient) {
  const page = render(
    <LfProvider doc="trip" user={user.id} worker={device.worker}>
      <OpenList user={user} />
    </LfProvider>,
  )
  return { ...within(page.container), leave: page.unmount }
}

type Page = ReturnType<typeof show>

const settled = () => act(() => server.settled())
const membersOn = (page: Page) => page.queryAllByTestId("member").map(({ textContent }) => textContent)
const titlesOn = (page: Page) => page.queryAllByTestId("todo-title").map(({ textContent }) => textContent)

function add(page: Page, title: string) {
  const input = page.getByLabelText<HTMLInputElement>("New todo")
  fireEvent.change(input, { target: { value: title } })
  if (input.form) fireEvent.submit(input.form)
}

/** As the owner does it; the answer is the secret of the link. */
async function invite(page: Page, role: "editor" | "viewer"): Promise<string> {
  fireEvent.change(page.getByLabelText("Role"), { target: { value: role } })
  fireEvent.click(page.getByText("Make an invitation"))
  const link = await page.findByLabelText<HTMLInputElement>(/^For one person/)
  return link.value.split(".").at(-1) ?? ""
}

/** As the Server Action of the link's page does it. */
async function accept(user: User, token: string) {
  const hash = createHash("sha256").update(token).digest("hex")
  return await server.document("trip").mutate(AcceptInvite, { hash, user: user.id, name: user.name })
}

/** Ada's page and Ben's, who is a member. */
async function both(role: "editor" | "viewer") {
  const onAda = show(ada, server.client({ user: ada.id }))
  await settled()
  const token = await invite(onAda, role)
  expect(await accept(ben, token)).toMatchObject({ type: "applied" })
  const device = server.client({ user: ben.id })
  const onBen = show(ben, device)
  await settled()
  return { onAda, onBen, device, token }
}

test("an invitation is good once; both see the members and each other's todos", async () => {
  const { onAda, onBen, token } = await both("editor")
  expect(await accept({ id: "eve", name: "Eve" }, token)).toMatchObject({ type: "rejected", code: "INVITE_GONE" })
  expect(membersOn(onAda)).toEqual(["Ada owner", "Ben editorRemove"])
  expect(membersOn(onBen)).toEqual(["Ada owner", "Ben editor"])
  add(onAda, "tent")
  await settled()
  add(onBen, "stove")
  await settled()
  expect([titlesOn(onAda), titlesOn(onBen)]).toEqual([
    ["tent", "stove"],
    ["tent", "stove"],
  ])
})

test("a viewer's page lets nothing be changed", async () => {
  const { onBen } = await both("viewer")
  expect(onBen.getByLabelText("New todo").closest("fieldset")?.disabled).toBe(true)
})

test("who is no member reads so; so does a removed member, who takes the list off the device", async () => {
  const stranger = show(ben, server.client({ user: ben.id }))
  await stranger.findByText(/You are no member of this list/)
  stranger.leave()

  const { onAda, onBen } = await both("editor")
  fireEvent.click(onAda.getByLabelText("Remove Ben"))
  await settled()
  expect(membersOn(onAda)).toEqual(["Ada owner"])
  onBen.getByText(/You are no member of this list, or no longer/)
  fireEvent.click(onBen.getByText("Remove it from this device"))
  await expect.poll(() => push.mock.calls).toEqual([["/"]])
  await expect.poll(() => server.document(homeOf(ben.id)).query(sql`select id from lists`)).toEqual([])
})

test("what a member writes offline after the removal reaches no one", async () => {
  const { onAda, onBen, device } = await both("editor")
  act(() => device.cut())
  fireEvent.click(onAda.getByLabelText("Remove Ben"))
  await settled()
  add(onBen, "stove")
  await onBen.findByText("stove")
  act(() => device.heal())
  await onBen.findByText(/You are no member of this list, or no longer/)
  await settled()
  expect(titlesOn(onAda)).toEqual([])
})
