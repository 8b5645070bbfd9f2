// @vitest-environment jsdom

import { act, Fragment, StrictMode, useState } from "react"
import { hydrateRoot, type Root } from "react-dom/client"
import { renderToString } from "react-dom/server"
import { afterEach, beforeEach, expect, test, vi } from "vitest"
import { type FieldOptions, useField } from "./use-field.ts"

// A server's page: its inputs can be used before React has them.

let root: Root | undefined
let commits: unknown[] = []
beforeEach(() => {
  vi.stubGlobal("IS_REACT_ACT_ENVIRONMENT", true)
  commits = []
})
afterEach(() => {
  act(() => root?.unmount())
  document.body.innerHTML = ""
  vi.unstubAllGlobals()
  vi.restoreAllMocks()
})

type Kind = "text" | "number" | "color" | "checkbox" | "textarea" | "select"

interface BoundProps {
  readonly kind: Kind
  readonly row: string | number | null
  readonly options?: FieldOptions<string | number | null>
}

function Bound({ kind, row, options = {} }: BoundProps) {
  const field = useField(row, (value) => void commits.push(value), options)
  if (kind === "checkbox") return <input type="checkbox" {...field.checkbox} />
  if (kind === "textarea") return <textarea {...field.input} />
  if (kind !== "select") return <input type={kind} {...field.input} data-code={field.error?.code} />
  return (
    <select {...field.input}>
      {["red", "green", "blue"].map((name) => (
        <option key={name}>{name}</option>
      ))}
    </select>
  )
}

/** Shows the server's HTML, has it used, and hydrates it. */
function hydrated(props: BoundProps, use: (element: HTMLInputElement) => void, Around = StrictMode): HTMLInputElement {
  const tree = (
    <Around>
      <Bound {...props} />
    </Around>
  )
  const container = document.createElement("div")
  container.innerHTML = renderToString(tree)
  document.body.append(container)
  const element = container.firstElementChild as HTMLInputElement // or of the same shape
  use(element)
  act(() => {
    root = hydrateRoot(container, tree, { onRecoverableError: (error) => commits.push(error) })
  })
  return element
}

function type(element: HTMLInputElement, text: string): void {
  element.focus()
  element.value = text
  element.dispatchEvent(new InputEvent("input", { bubbles: true }))
}

test.each<[Kind, string | number, string, string | number]>([
  ["text", "milk", "milk and bread", "milk and bread"],
  ["number", 1, "12", 12],
  ["textarea", "milk", "milk and bread", "milk and bread"],
  ["textarea", "", "bread", "bread"],
  ["select", "green", "blue", "blue"],
])("what is entered into a %s before React hydrates it is shown and committed once (H9)", (kind, row, text, value) => {
  const element = hydrated({ kind, row }, (element) => type(element, text))
  expect([element.value, commits]).toEqual([text, [value]])
})

test("a box that is ticked before React hydrates it stays so, and is committed once (H9)", () => {
  const box = hydrated({ kind: "checkbox", row: 0 }, (element) => element.click())
  expect([box.checked, commits]).toEqual([true, [1]])
})

test("what is typed before is committed at the blur, or at once when that is over (H9)", () => {
  const props = { kind: "text", row: "milk", options: { when: "blur" } } as const
  // StrictMode unmounts once to see what happens, which commits.
  const typing = hydrated(props, (element) => type(element, "bread"), Fragment)
  expect([typing.value, commits]).toEqual(["bread", []])
  act(() => typing.blur())
  expect(commits).toEqual(["bread"])
  const leave = (element: HTMLInputElement) => {
    type(element, "eggs")
    element.blur()
  }
  hydrated(props, leave, Fragment)
  expect(commits).toEqual(["bread", "eggs"])
})

test("a text that is no value stays with its error (H9)", () => {
  const parse = () => {
    throw new Error("no")
  }
  const element = hydrated({ kind: "text", row: "1", options: { parse } }, (element) => type(element, "x"))
  expect([element.value, element.dataset.code, commits]).toEqual(["x", "MUTATION_ARGS_INVALID", []])
})

test.each<[Kind, string | number | null]>([
  ["text", "milk"],
  ["color", null],
  ["checkbox", 1],
  ["textarea", "milk\r\nbread"],
  ["select", null],
])("a %s that is left alone commits nothing, whatever the browser makes of its row (H9)", (kind, row) => {
  hydrated({ kind, row }, () => {})
  expect(commits).toEqual([])
})

test("a select whose option is in the middle commits nothing by itself (H9)", () => {
  hydrated({ kind: "select", row: "green" }, () => {})
  expect(commits).toEqual([])
})

// What was typed before this code was there: e2e/scaffold.spec.ts.
test("a textarea keeps its caret (H9)", () => {
  const typed = hydrated({ kind: "textarea", row: "milk" }, (element) => {
    type(element, "milk and bread")
    element.setSelectionRange(4, 4)
    element.dispatchEvent(new InputEvent("input"))
  })
  expect([typed.selectionStart, typed.selectionEnd]).toEqual([4, 4])
})

test("a page that was navigated to has restored nothing: what is there was typed (H9)", () => {
  const asked = vi.spyOn(performance, "getEntriesByType")
  asked.mockImplementation((type) =>
    type === "navigation" ? [{ type: "navigate" } as unknown as PerformanceEntry] : [{ type: "reload" } as never],
  )
  const typed = hydrated({ kind: "text", row: "milk" }, (element) => {
    type(element, "bread")
    element.blur()
  })
  expect([typed.value, commits]).toEqual(["bread", ["bread"]])
})

test("what a browser restores when it reloads a page gives way to the row; what is typed since does not (H9)", () => {
  vi.spyOn(performance, "getEntriesByType").mockReturnValue([{ type: "reload" } as unknown as PerformanceEntry])
  const restored = hydrated({ kind: "text", row: "milk" }, (element) => {
    element.value = "before the reload"
  })
  const box = hydrated({ kind: "checkbox", row: 0 }, (element) => {
    element.checked = true
  })
  expect([restored.value, box.checked, commits]).toEqual(["milk", false, []])
  hydrated({ kind: "text", row: "milk" }, (element) => type(element, "bread"))
  expect(commits).toEqual(["bread"])
})

test("an input that appears after the page was hydrated commits nothing by itself (H9)", () => {
  let show = () => {}
  function Later() {
    const [isShown, setShown] = useState(false)
    show = () => setShown(true)
    const field = useField("green", (value) => void commits.push(value))
    if (!isShown) return <p>later</p>
    return (
      <select {...field.input}>
        {["red", "green", "blue"].map((name) => (
          <option key={name}>{name}</option>
        ))}
      </select>
    )
  }
  const container = document.createElement("div")
  container.innerHTML = renderToString(<Later />)
  document.body.append(container)
  act(() => {
    root = hydrateRoot(container, <Later />)
  })
  act(() => show())
  expect([container.querySelector("select")?.value, commits]).toEqual(["green", []])
})
