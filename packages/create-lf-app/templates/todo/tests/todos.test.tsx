import { LfProvider } from "@lf/react"
import { memoryWorker } from "@lf/react/testing"
import { cleanup, fireEvent, render, screen } from "@testing-library/react"
import { afterEach, expect, test } from "vitest"
import { mutator } from "../app/lf/mutators"
import { TodoList } from "../app/todos"

afterEach(cleanup)

/** The list as in the browser, on real SQLite, without a server. */
function show() {
  render(
    <LfProvider doc="test" worker={memoryWorker({ mutator })}>
      <TodoList />
    </LfProvider>,
  )
}

async function add(title: string) {
  const input = screen.getByLabelText<HTMLInputElement>("New todo")
  fireEvent.change(input, { target: { value: title } })
  const form = input.form
  if (form !== null) fireEvent.submit(form)
  await screen.findByText(title)
}

test("a new todo is at the end of the list", async () => {
  show()
  await add("one")
  await add("two")
  expect(screen.getAllByTestId("todo-title").map((title) => title.textContent)).toEqual(["one", "two"])
})

test("a todo is ticked and deleted", async () => {
  show()
  await add("one")
  fireEvent.click(screen.getByLabelText("one"))
  expect(screen.getByLabelText<HTMLInputElement>("one").checked).toBe(true)
  fireEvent.click(screen.getByLabelText("Delete one"))
  await expect.poll(() => screen.queryByText("one")).toBeNull()
})
