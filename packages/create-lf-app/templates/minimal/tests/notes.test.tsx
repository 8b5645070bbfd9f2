import { LfProvider } from "@lf/react"
import { memoryWorker } from "@lf/react/testing"
import { cleanup, fireEvent, render, screen } from "@testing-library/react"
import { afterEach, expect, test } from "vitest"
import { mutator } from "../app/lf/mutators"
import { Notes } from "../app/page"

afterEach(cleanup)

test("a note that was added is in the list", async () => {
  // The page as in the browser, on real SQLite, without a server.
  render(
    <LfProvider doc="test" worker={memoryWorker({ mutator })}>
      <Notes />
    </LfProvider>,
  )
  fireEvent.change(screen.getByLabelText("New note"), { target: { value: "milk" } })
  fireEvent.click(screen.getByText("Add"))
  expect((await screen.findByRole("listitem")).textContent).toBe("milk")
})
