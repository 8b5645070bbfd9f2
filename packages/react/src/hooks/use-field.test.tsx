// @vitest-environment jsdom

import type { Receipt } from "@lf/core"
import { LfError } from "@lf/core"
import { act, cleanup, fireEvent, render, screen } from "@testing-library/react"
import { useState } from "react"
import { afterEach, beforeEach, expect, test, vi } from "vitest"
import { collectReceipts, noteReceipt } from "./commits.ts"
import { type FieldOptions, type FieldResult, useField } from "./use-field.ts"

/** The row of one document: commits reach it when the test says so. */
interface Commit {
  readonly value: unknown
  keep(): Promise<void>
  refuse(code: ConstructorParameters<typeof LfError>[0]): Promise<void>
}

let commits: Commit[] = []
let setRow: (row: never) => void
let field: FieldResult<unknown>

beforeEach(() => {
  commits = []
})
afterEach(() => {
  cleanup()
  vi.useRealTimers()
})

interface Props<V> {
  readonly row: V
  readonly options?: FieldOptions<V>
}

function Bound<V>({ row: first, options = {} }: Props<V>) {
  const [row, become] = useState(first)
  setRow = become as typeof setRow
  const commit = (value: V) =>
    new Promise<void>((resolve, reject) => {
      const keep = () =>
        act(async () => {
          become(value)
          resolve()
        })
      const refuse: Commit["refuse"] = (code) => act(async () => reject(new LfError(code, "no")))
      commits.push({ value, keep, refuse })
    })
  const bound = useField(row, commit, options)
  field = bound as unknown as FieldResult<unknown>
  if (options.key === "box") return <input type="checkbox" {...bound.checkbox} />
  return <input {...bound.input} />
}

const input = () => screen.getByRole<HTMLInputElement>("textbox")
const type = (value: string) => fireEvent.change(input(), { target: { value } })
const focus = () => act(() => input().focus())
const blur = () => act(() => input().blur())
const become = (row: unknown) => act(() => setRow(row as never))
const values = () => commits.map(({ value }) => value)
const commitAt = (at: number) => {
  const commit = commits[at]
  if (commit === undefined) throw new Error(`there is no commit ${at}`)
  return commit
}

test("what is typed shows at once and is dirty until the row has it (H9)", async () => {
  render(<Bound row="a" />)
  focus()
  type("ab")
  expect([input().value, field.value, field.isDirty]).toEqual(["ab", "ab", true])
  await commitAt(0).keep()
  expect([input().value, field.isDirty, field.error]).toEqual(["ab", false, null])
})

test("a change from elsewhere shows while nothing is typed (H9)", () => {
  render(<Bound row="a" />)
  become("of another user")
  expect([input().value, field.isDirty]).toEqual(["of another user", false])
  focus()
  become("again")
  expect(input().value).toBe("again")
})

test("a change from elsewhere does not show over what is being typed (H9)", async () => {
  render(<Bound row="a" options={{ when: "blur" }} />)
  focus()
  type("mine")
  become("of another user")
  expect(input().value).toBe("mine")
  blur()
  await commitAt(0).keep()
  expect(input().value).toBe("mine")
  become("later")
  expect(input().value).toBe("later")
})

test("change: one commit at a time is under way, and the last value wins (H9)", async () => {
  render(<Bound row="" />)
  focus()
  for (const text of ["a", "ab", "abc", "abcd"]) type(text)
  expect(values()).toEqual(["a"])
  await commitAt(0).keep()
  expect(input().value).toBe("abcd")
  expect(values()).toEqual(["a", "abcd"])
  await commitAt(1).keep()
  expect([values().length, input().value, field.isDirty]).toEqual([2, "abcd", false])
})

test("change: rows of our own older commits do not show over the newest text (H9)", async () => {
  render(<Bound row="" />)
  focus()
  type("a")
  type("ab")
  await commitAt(0).keep()
  expect([input().value, field.isDirty]).toEqual(["ab", true])
  become("a")
  expect(input().value).toBe("ab")
  await commitAt(1).keep()
  expect([input().value, field.isDirty]).toEqual(["ab", false])
})

test("pause: typing is committed once, when it pauses (H9)", async () => {
  vi.useFakeTimers()
  render(<Bound row="" options={{ when: "pause", pauseMs: 300 }} />)
  focus()
  for (const text of ["a", "ab", "abc"]) {
    type(text)
    await act(() => vi.advanceTimersByTimeAsync(299))
  }
  expect(values()).toEqual([])
  await act(() => vi.advanceTimersByTimeAsync(1))
  expect(values()).toEqual(["abc"])
})

test("pause: a blur does not wait for the pause (H9)", () => {
  render(<Bound row="" options={{ when: "pause", pauseMs: 60_000 }} />)
  focus()
  type("a")
  blur()
  expect(values()).toEqual(["a"])
})

test("blur: nothing is committed before, and nothing that was not edited (H9)", () => {
  render(<Bound row="" options={{ when: "blur" }} />)
  focus()
  blur()
  focus()
  type("a")
  type("ab")
  expect(values()).toEqual([])
  blur()
  expect(values()).toEqual(["ab"])
  focus()
  blur()
  expect(values()).toEqual(["ab"])
})

test("unmounting commits what is not committed, once (H9)", () => {
  const { unmount } = render(<Bound row="" options={{ when: "blur" }} />)
  focus()
  type("typed")
  unmount()
  expect(values()).toEqual(["typed"])
})

test("leaving the page commits what is not committed, once (H9)", () => {
  render(<Bound row="" options={{ when: "pause", pauseMs: 60_000 }} />)
  focus()
  type("typed")
  act(() => void window.dispatchEvent(new PageTransitionEvent("pagehide")))
  act(() => void window.dispatchEvent(new PageTransitionEvent("pagehide")))
  expect(values()).toEqual(["typed"])
})

test("flush resolves when what is typed is kept, and throws what it was refused with (H9)", async () => {
  render(<Bound row="" options={{ when: "blur" }} />)
  focus()
  await field.flush()
  type("good")
  const kept = field.flush()
  await commitAt(0).keep()
  await kept
  type("bad")
  const refused = field.flush().catch((error: LfError) => error.code)
  await commitAt(1).refuse("MUTATION_REJECTED")
  expect(await refused).toBe("MUTATION_REJECTED")
})

test("a refused commit falls back to the row with its error, which the next edit takes away (H9)", async () => {
  render(<Bound row="good" options={{ when: "blur" }} />)
  focus()
  type("bad")
  blur()
  await commitAt(0).refuse("MUTATION_REJECTED")
  expect([input().value, field.isDirty, field.error?.code]).toEqual(["good", false, "MUTATION_REJECTED"])
  type("better")
  expect(field.error).toBeNull()
})

test("a refused commit leaves the text of a user who is typing until blur (H9)", async () => {
  render(<Bound row="good" />)
  focus()
  type("bad")
  await commitAt(0).refuse("MUTATION_REJECTED")
  expect([input().value, field.error?.code]).toEqual(["bad", "MUTATION_REJECTED"])
  blur()
  expect([input().value, field.isDirty, field.error?.code]).toEqual(["good", false, "MUTATION_REJECTED"])
})

test("what a failing worker did not keep stays typed, and is tried again (H9)", async () => {
  render(<Bound row="" options={{ when: "blur" }} />)
  focus()
  type("mine")
  blur()
  await commitAt(0).refuse("WORKER_FAILED")
  expect([input().value, field.isDirty, field.error?.code]).toEqual(["mine", true, "WORKER_FAILED"])
  const again = field.flush()
  await commitAt(1).keep()
  await again
  expect([values(), input().value, field.error]).toEqual([["mine", "mine"], "mine", null])
})

test("the server's later rejection is the field's error, and shows the row (H9)", async () => {
  let decide: (outcome: Awaited<Receipt["remote"]>) => void = () => {}
  const remote = new Promise<Awaited<Receipt["remote"]>>((resolve) => {
    decide = resolve
  })
  function Remote() {
    const bound = useField("row", () => void noteReceipt(Promise.resolve({ uid: "u", remote })))
    field = bound as unknown as FieldResult<unknown>
    return <input {...bound.input} />
  }
  render(<Remote />)
  type("refused")
  await act(async () => decide({ type: "rejected", code: "not-yours", data: null }))
  expect([input().value, field.error?.code]).toEqual(["row", "MUTATION_REJECTED"])
  expect(collectReceipts(() => 1)).toEqual({ returned: 1, receipts: [] })
})

test("reset shows the row, and commits nothing (H9)", () => {
  render(<Bound row="row" options={{ when: "blur" }} />)
  focus()
  type("draft")
  act(() => field.reset())
  expect([input().value, field.isDirty]).toEqual(["row", false])
  blur()
  expect(values()).toEqual([])
})

test("another key commits what was typed to the row that it was typed for, and begins anew (H9)", () => {
  function Form({ id }: { id: string }) {
    const bound = useField(
      `row ${id}`,
      (value) => commits.push({ value: `${id}: ${value}`, keep: async () => {}, refuse: async () => {} }),
      { key: id, when: "blur" },
    )
    return <input {...bound.input} />
  }
  const { rerender } = render(<Form id="a" />)
  focus()
  type("typed")
  rerender(<Form id="b" />)
  expect(input().value).toBe("row b")
  expect(values()).toEqual(["a: typed"])
})

test("what an input method composes is committed once, when it is whole (H9)", async () => {
  render(<Bound row="" />)
  focus()
  fireEvent.compositionStart(input())
  for (const text of ["k", "ka", "か"]) type(text)
  become("of another user")
  expect([values(), input().value]).toEqual([[], "か"])
  fireEvent.compositionEnd(input())
  expect(values()).toEqual(["か"])
  await commitAt(0).keep()
  expect([values(), input().value]).toEqual([["か"], "か"])
})

test("a checkbox keeps 0 and 1 as its row does, and is committed at once (H9)", async () => {
  render(<Bound row={0} options={{ key: "box", when: "blur" }} />)
  const box = screen.getByRole<HTMLInputElement>("checkbox")
  act(() => box.focus())
  fireEvent.click(box)
  expect([box.checked, values()]).toEqual([true, [1]])
  await commitAt(0).keep()
  fireEvent.click(box)
  expect([box.checked, values()]).toEqual([false, [1, 0]])
  await commitAt(1).refuse("MUTATION_REJECTED")
  expect([box.checked, field.error?.code]).toEqual([true, "MUTATION_REJECTED"])
})

test("a text that is no number stays with its error, and is not committed (H9)", async () => {
  render(<Bound row={7} />)
  focus()
  type("7x")
  expect([input().value, field.value, field.error?.code]).toEqual(["7x", 7, "MUTATION_ARGS_INVALID"])
  expect(await field.flush().catch((error: LfError) => error.code)).toBe("MUTATION_ARGS_INVALID")
  type("71")
  expect([field.value, field.error, values()]).toEqual([71, null, [71]])
  await commitAt(0).keep()
  type("")
  blur()
  expect([input().value, values()]).toEqual(["71", [71]])
})

test("parse and format convert between row and text; what parse throws is the error (H9)", () => {
  const options = {
    parse: (text: string) => {
      if (text === "?") throw new Error("no price")
      return Number(text) * 100
    },
    format: (cents: number) => (cents / 100).toFixed(2),
  }
  render(<Bound row={150} options={options} />)
  expect(input().value).toBe("1.50")
  focus()
  type("?")
  expect(field.error?.message).toContain("no price")
  type("2")
  expect([input().value, field.value, values()]).toEqual(["2", 200, [200]])
})

test("set is as if it had been typed (H9)", async () => {
  render(<Bound row="a" />)
  act(() => field.set("b"))
  expect([input().value, values()]).toEqual(["b", ["b"]])
  await commitAt(0).keep()
  expect(field.isDirty).toBe(false)
})

test("a mutator that makes something else of the text has the last word once it settled (H9)", async () => {
  vi.useFakeTimers()
  function Trimmed() {
    const [row, become] = useState("")
    const bound = useField(row, async (value) => become(value.trim()))
    field = bound as unknown as FieldResult<unknown>
    return <input {...bound.input} />
  }
  render(<Trimmed />)
  focus()
  await act(async () => type("a "))
  expect(input().value).toBe("a ")
  await act(() => vi.advanceTimersByTimeAsync(1_000))
  expect([input().value, field.isDirty]).toEqual(["a ", false])
  blur()
  expect(input().value).toBe("a")
})

test.each([
  [1n, " 12 ", 12n],
  [1n, "-3", -3n],
  [1, " 1.5", 1.5],
  [false, "true", true],
  [true, "false", false],
  [null, "x", "x"],
  ["x", "", ""],
])("a row of %o takes the text %o as %o (H9)", (row, text, value) => {
  render(<Bound<unknown> row={row} />)
  type(text)
  expect(values()).toEqual([value])
})

test("an empty text of a row that was null is null (H9)", () => {
  render(<Bound<unknown> row={null} options={{ when: "blur" }} />)
  focus()
  type("x")
  type("")
  blur()
  expect(values()).toEqual([null])
})

test.each([
  [1n, "1.5"],
  [1n, "x1"],
  [1n, "1x"],
  [1n, ""],
  [1, " "],
  [1, "Infinity"],
])("a row of %o does not take %o, which stays with its error (H9)", (row, text) => {
  render(<Bound<unknown> row={row} />)
  type(text)
  expect([input().value, values(), field.error?.code]).toEqual([text, [], "MUTATION_ARGS_INVALID"])
})

test("an empty row is an empty text (H9)", () => {
  render(<Bound<unknown> row={null} />)
  expect(input().value).toBe("")
  become(undefined)
  expect(input().value).toBe("")
})

test("a change from elsewhere leaves the caret between the same letters, and a selection its letters (H9)", async () => {
  render(<Bound row="hello" />)
  focus()
  act(() => {
    input().setSelectionRange(1, 4, "backward")
    document.dispatchEvent(new Event("selectionchange"))
  })
  become("oh hello")
  expect([input().selectionStart, input().selectionEnd, input().selectionDirection]).toEqual([4, 7, "backward"])
  become("hello")
  expect([input().selectionStart, input().selectionEnd]).toEqual([1, 4])
  const set = vi.spyOn(input(), "setSelectionRange")
  become("hello world")
  expect(set.mock.calls.every(([start, end]) => start === 1 && end === 4)).toBe(true)
  blur()
  set.mockClear()
  act(() => document.dispatchEvent(new Event("selectionchange")))
  become("oh hello world")
  expect(set).not.toHaveBeenCalled()
})

test("only a focused field listens to the document, and a removed one to nothing (H5, H6)", () => {
  const listening = new Set<unknown>()
  vi.spyOn(document, "addEventListener").mockImplementation((type, listener) => {
    if (type === "selectionchange") listening.add(listener)
  })
  vi.spyOn(document, "removeEventListener").mockImplementation((type, listener) => {
    if (type === "selectionchange") listening.delete(listener)
  })
  const { unmount } = render(<Bound row="a" />)
  expect(listening.size).toBe(0)
  focus()
  expect(listening.size).toBe(1)
  blur()
  expect(listening.size).toBe(0)
  focus()
  const element = input()
  const removed = vi.spyOn(element, "removeEventListener")
  unmount()
  expect(listening.size).toBe(0)
  expect(removed.mock.calls.map(([type]) => type)).toEqual(
    expect.arrayContaining(["focus", "blur", "input", "compositionstart", "compositionend"]),
  )
  vi.restoreAllMocks()
})

test("a select, and a value that is set, commit as what they are (H9)", () => {
  function Choice() {
    const color = useField("red", (value) => void commits.push({ value } as Commit), { when: "blur" })
    field = color as unknown as FieldResult<unknown>
    return (
      <select {...color.input}>
        <option>red</option>
        <option>blue</option>
      </select>
    )
  }
  render(<Choice />)
  const select = screen.getByRole("combobox")
  act(() => select.focus())
  fireEvent.change(select, { target: { value: "blue" } })
  expect(values()).toEqual(["blue"])
})

test("with another key everything that the field gives is of the new row (H2, H9)", async () => {
  const written: string[] = []
  function Panel({ id }: { id: string }) {
    const row = { key: id }
    const text = useField<string>(id, (value) => void written.push(`text ${id} ${value}`), { ...row, when: "blur" })
    const tick = useField<number>(0, (value) => void written.push(`tick ${id} ${value}`), row)
    field = text as unknown as FieldResult<unknown>
    return (
      <>
        <input {...text.input} />
        <input type="checkbox" {...tick.checkbox} />
        <output>{String(text.isDirty)}</output>
      </>
    )
  }
  const { rerender } = render(<Panel id="a" />)
  rerender(<Panel id="b" />)
  expect(input().value).toBe("b")
  focus()
  type("b2")
  expect([input().value, screen.getByRole("status").textContent, written]).toEqual(["b2", "true", []])
  act(() => field.reset())
  expect([input().value, screen.getByRole("status").textContent]).toEqual(["b", "false"])
  type("b3")
  await act(() => field.flush())
  expect(written).toEqual(["text b b3"])
  act(() => field.set("b4"))
  blur()
  fireEvent.click(screen.getByRole("checkbox"))
  expect(written).toEqual(["text b b3", "text b b4", "tick b 1"])
})

test("a value that is set while its field has the focus is committed as a typed one is (H9)", () => {
  render(<Bound row="a" options={{ when: "blur" }} />)
  focus()
  act(() => field.set("b"))
  expect([input().value, values()]).toEqual(["b", []])
  blur()
  expect(values()).toEqual(["b"])
})

test("a pause of its own length (H9)", async () => {
  vi.useFakeTimers()
  render(<Bound row="a" options={{ when: "pause", pauseMs: 50 }} />)
  focus()
  type("b")
  await act(() => vi.advanceTimersByTimeAsync(60))
  expect(values()).toEqual(["b"])
})
