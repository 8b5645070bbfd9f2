import { LfProvider, useLf } from "@lf/react"
import { memoryWorker } from "@lf/react/testing"
import { cleanup, fireEvent, render, screen } from "@testing-library/react"
import { afterEach, expect, test } from "vitest"
import { SignOut } from "../app/account/sign-out"
import { homeOf, KeepList } from "../app/lf/members"
import { mutator } from "../app/lf/mutators"

afterEach(cleanup)

const ada = { id: "ada", name: "Ada" }

function Write() {
  const lf = useLf()
  const write = () => void lf.document(homeOf(ada.id)).mutate(KeepList, { id: "trip", title: "Trip" })
  return (
    <button type="button" onClick={write}>
      write
    </button>
  )
}

test("changes that have not reached the server are asked about, and kept while the user stays", async () => {
  // There is no server: what is written is not sent.
  render(
    <LfProvider doc={homeOf(ada.id)} user={ada.id} worker={memoryWorker({ mutator })}>
      <Write />
      <SignOut />
    </LfProvider>,
  )
  fireEvent.click(screen.getByText("write"))
  fireEvent.click(screen.getByRole("button", { name: "Sign out" }))
  expect((await screen.findByRole("alert", {}, { timeout: 10_000 })).textContent).toContain(
    "have not reached the server",
  )
  fireEvent.click(screen.getByRole("button", { name: "Sign out and lose them" }))
  expect(await screen.findByText(/You are still signed in/)).toBeDefined()
})
