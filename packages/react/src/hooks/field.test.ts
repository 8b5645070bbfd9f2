// @vitest-environment jsdom

import type { Receipt } from "@lf/core"
import { LfError } from "@lf/core"
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest"
import { collectReceipts, noteReceipt } from "./commits.ts"
import { type CommitWhen, Field } from "./field.ts"

beforeEach(() => {
  vi.useFakeTimers()
})
/** A draft that is left would count for the next test as one of the same page. */
const made: Field<string>[] = []
afterEach(() => {
  for (const field of made.splice(0)) field.reset()
  vi.useRealTimers()
  vi.restoreAllMocks()
})

const settled = () => vi.advanceTimersByTimeAsync(0)

interface EditOptions {
  readonly when?: CommitWhen
  readonly isChoice?: boolean
}

/** A field alone, and the commits that it made. */
function fieldOf(row = "a") {
  const field = new Field(row)
  made.push(field)
  const commits: { value: string; keep(): Promise<void>; refuse(code: LfError["code"]): Promise<void> }[] = []
  const commit = (value: string) =>
    new Promise<void>((resolve, reject) => {
      const keep = () => {
        resolve()
        return settled().then(() => {})
      }
      const refuse = (code: LfError["code"]) => {
        reject(new LfError(code, "no"))
        return settled().then(() => {})
      }
      commits.push({ value, keep, refuse })
    })
  const edit = (text: string, { when = "change", isChoice = false }: EditOptions = {}) =>
    field.edit({ text, value: text, commit, when, pauseMs: 300, isChoice })
  return { field, commits, edit, values: () => commits.map(({ value }) => value), text: () => field.state.draft?.text }
}

test("watchers are called at each change until they are gone (H9)", () => {
  const { field, edit } = fieldOf()
  let changes = 0
  const undo = field.watch(() => changes++)
  edit("b")
  expect(changes).toBe(1)
  undo()
  edit("c")
  expect(changes).toBe(1)
})

describe("a commit", () => {
  test("that is kept gives way to its row, when that is shown (H9)", async () => {
    const { field, commits, edit, text } = fieldOf()
    edit("b")
    field.rowShown("a")
    await commits[0].keep()
    field.rowShown("a")
    expect(text()).toBe("b")
    field.rowShown("b")
    expect(field.state).toEqual({ draft: null, rest: null, error: null })
  })

  test("whose row is shown before it is kept gives way at once (H9)", async () => {
    const { field, commits, edit, text } = fieldOf()
    edit("b")
    field.rowShown("b")
    expect(text()).toBe("b")
    await commits[0].keep()
    expect(text()).toBeUndefined()
  })

  test("whose row is never shown gives way after a second (H9)", async () => {
    const { commits, edit, text } = fieldOf()
    edit("b")
    await commits[0].keep()
    await vi.advanceTimersByTimeAsync(990)
    expect(text()).toBe("b")
    await vi.advanceTimersByTimeAsync(20)
    expect(text()).toBeUndefined()
  })

  test("does not show the rows of earlier ones, but a later change from elsewhere (H9)", async () => {
    const { field, commits, edit, values, text } = fieldOf()
    edit("b")
    edit("c")
    await commits[0].keep()
    expect(values()).toEqual(["b", "c"])
    await commits[1].keep()
    field.rowShown("b")
    expect(text()).toBe("c")
    field.rowShown("z")
    expect(text()).toBeUndefined()
    edit("d")
    await commits[2].keep()
    field.rowShown("b")
    expect(text()).toBeUndefined()
  })

  test("that is refused takes nothing from what was typed since (H9)", async () => {
    const { field, commits, edit, values, text } = fieldOf()
    edit("b")
    edit("c")
    await commits[0].refuse("MUTATION_REJECTED")
    expect([text(), field.state.error, values()]).toEqual(["c", null, ["b", "c"]])
    await commits[1].refuse("MUTATION_REJECTED")
    expect([text(), field.state.error?.code]).toEqual([undefined, "MUTATION_REJECTED"])
  })

  test("of a choice falls back at once, of a text when its field is left (H9)", async () => {
    const { field, commits, edit, text } = fieldOf()
    field.focuses(true)
    edit("b", { isChoice: true })
    await commits[0].refuse("MUTATION_REJECTED")
    expect([text(), field.state.error?.code]).toEqual([undefined, "MUTATION_REJECTED"])
    edit("c")
    await commits[1].refuse("MUTATION_REJECTED")
    expect([text(), field.state.error?.code]).toEqual(["c", "MUTATION_REJECTED"])
    field.focuses(false)
    expect([text(), field.state.error?.code, commits.length]).toEqual([undefined, "MUTATION_REJECTED", 2])
  })

  test("that was not kept is tried again when the field is left, and its text stays (H9)", async () => {
    const { field, commits, edit, values, text } = fieldOf()
    field.focuses(true)
    edit("b")
    await commits[0].refuse("WORKER_FAILED")
    expect([text(), field.state.error?.code]).toEqual(["b", "WORKER_FAILED"])
    field.focuses(false)
    expect([text(), values()]).toEqual(["b", ["b", "b"]])
    await commits[1].refuse("LOG_FULL")
    await expect(Promise.all([field.flush(), commits[2].refuse("DOC_STOPPED")])).rejects.toMatchObject({
      code: "DOC_STOPPED",
    })
  })

  test("that the server rejects later reverts the field, unless something newer was typed (H9)", async () => {
    for (const [type, newer, expected] of [
      ["rejected", null, undefined],
      ["rejected", "c", "c"],
      ["applied", null, "b"],
    ] as const) {
      const { field } = fieldOf()
      let decide: (outcome: unknown) => void = () => {}
      const remote = new Promise((resolve) => {
        decide = resolve
      })
      const receipt = Promise.resolve({ remote } as unknown as Receipt)
      const write = (text: string, commit: () => unknown) =>
        field.edit({ text, value: text, commit, when: "change", pauseMs: 300, isChoice: false })
      write("b", () => noteReceipt(receipt))
      await settled()
      if (newer !== null) write(newer, () => new Promise(() => {}))
      decide({ type, code: "NO" })
      await settled()
      expect(field.state.draft?.text).toBe(expected)
      expect(field.state.error?.code).toBe(expected === undefined ? "MUTATION_REJECTED" : undefined)
    }
    expect(collectReceipts(() => 1).receipts).toEqual([])
  })
})

describe("when it is committed", () => {
  test("pause: after the last of several edits; blur: not by time (H9)", async () => {
    const paused = fieldOf()
    paused.field.focuses(true)
    paused.edit("b", { when: "pause" })
    await vi.advanceTimersByTimeAsync(200)
    paused.edit("c", { when: "pause" })
    await vi.advanceTimersByTimeAsync(200)
    expect(paused.values()).toEqual([])
    await vi.advanceTimersByTimeAsync(200)
    expect(paused.values()).toEqual(["c"])
    const blurred = fieldOf()
    blurred.field.focuses(true)
    blurred.edit("b", { when: "blur" })
    await vi.advanceTimersByTimeAsync(5_000)
    expect(blurred.values()).toEqual([])
    blurred.field.focuses(false)
    expect(blurred.values()).toEqual(["b"])
    blurred.field.focuses(false)
    expect(blurred.values()).toEqual(["b"])
  })

  test("blur: what is typed while a commit is under way waits for the next blur (H9)", async () => {
    const { field, commits, edit, values } = fieldOf()
    field.focuses(true)
    edit("b", { when: "blur" })
    field.focuses(false)
    field.focuses(true)
    edit("c", { when: "blur" })
    await commits[0].keep()
    expect(values()).toEqual(["b"])
    field.focuses(false)
    expect(values()).toEqual(["b", "c"])
  })

  test("flush commits what was edited, and nothing else (H9)", async () => {
    const { field, commits, edit, values } = fieldOf()
    await field.flush()
    field.focuses(true)
    edit("b", { when: "pause" })
    const flushed = field.flush()
    await Promise.all([flushed, commits[0].keep()])
    await vi.advanceTimersByTimeAsync(500)
    await field.flush()
    expect(values()).toEqual(["b"])
    field.reset()
    await field.flush()
    expect(values()).toEqual(["b"])
  })

  test("a text that is no value is not, and takes the place of an earlier one (H9)", async () => {
    const { field, edit, values, text } = fieldOf()
    field.focuses(true)
    edit("b", { when: "pause" })
    field.refuseText({ text: "x", error: new Error("no") })
    await vi.advanceTimersByTimeAsync(500)
    await expect(field.flush()).rejects.toMatchObject({ code: "MUTATION_ARGS_INVALID" })
    expect([text(), values()]).toEqual(["x", []])
    edit("c")
    expect([field.state.error, values()]).toEqual([null, ["c"]])
  })

  test("leaving: a hidden page and a closed one commit every draft, and listen only while there is one (H5, H9)", () => {
    const added = [vi.spyOn(window, "addEventListener"), vi.spyOn(document, "addEventListener")]
    const removed = [vi.spyOn(window, "removeEventListener"), vi.spyOn(document, "removeEventListener")]
    const calls = (spies: typeof added) => spies.flatMap(({ mock }) => mock.calls.map(([type]) => type)).toSorted()
    const [one, two] = [fieldOf(), fieldOf()]
    for (const { field, edit } of [one, two]) {
      field.focuses(true)
      edit("b", { when: "blur" })
    }
    expect([calls(added), calls(removed)]).toEqual([["pagehide", "visibilitychange"], []])
    document.dispatchEvent(new Event("visibilitychange"))
    expect([one.values(), two.values()]).toEqual([[], []])
    vi.spyOn(document, "visibilityState", "get").mockReturnValue("hidden")
    document.dispatchEvent(new Event("visibilitychange"))
    expect([one.values(), two.values()]).toEqual([["b"], ["b"]])
    one.edit("c", { when: "blur" })
    window.dispatchEvent(new Event("pagehide"))
    expect(one.values()).toEqual(["b", "c"])
    one.field.reset()
    expect(calls(removed)).toEqual([])
    two.field.reset()
    two.field.reset()
    expect(calls(removed)).toEqual(["pagehide", "visibilitychange"])
  })
})

describe("while an input method composes", () => {
  test("the text stays, whatever row is shown, and an end without an entry shows the row (H9)", () => {
    const { field, text, values } = fieldOf()
    field.composes(true, "ab")
    field.rowShown("z")
    expect([text(), field.state.draft?.value]).toEqual(["ab", "a"])
    field.composes(false, "ab")
    expect([text(), values()]).toEqual([undefined, []])
  })

  test("nothing is committed before its end, and then all of it (H9)", async () => {
    const { field, edit, values, text } = fieldOf()
    field.composes(true, "a")
    edit("ni")
    edit("你")
    await settled()
    expect([text(), values()]).toEqual(["你", []])
    field.composes(false, "你")
    expect(values()).toEqual(["你"])
  })

  test("a draft from before stays, and is committed or given up after it (H9)", async () => {
    const { field, commits, edit, values, text } = fieldOf()
    edit("b")
    field.composes(true, "b")
    expect(text()).toBe("b")
    edit("bn")
    await commits[0].keep()
    expect(values()).toEqual(["b"])
    field.rowShown("b")
    expect(text()).toBe("bn")
    field.composes(false, "bn")
    expect(values()).toEqual(["b", "bn"])
    field.composes(true, "bn")
    await commits[1].keep()
    field.rowShown("bn")
    expect(text()).toBe("bn")
    field.composes(false, "bn")
    expect(text()).toBeUndefined()
  })

  test("a commit under way keeps the draft after its end (H9)", () => {
    const { field, edit, text } = fieldOf()
    edit("b")
    field.composes(true, "b")
    field.composes(false, "b")
    expect(text()).toBe("b")
  })

  test("a refusal waits for its end (H9)", async () => {
    const { field, commits, edit, text } = fieldOf()
    edit("b")
    field.composes(true, "b")
    await commits[0].refuse("MUTATION_REJECTED")
    expect([text(), field.state.error?.code]).toEqual(["b", "MUTATION_REJECTED"])
    field.composes(false, "b")
    expect([text(), field.state.error?.code]).toEqual([undefined, "MUTATION_REJECTED"])
  })

  test("what was not kept stays after its end, to be tried again (H9)", async () => {
    const { field, commits, edit, text, values } = fieldOf()
    field.focuses(true)
    edit("b")
    field.composes(true, "b")
    await commits[0].refuse("WORKER_FAILED")
    field.composes(false, "b")
    expect([text(), values()]).toEqual(["b", ["b", "b"]])
  })

  test("leaving the field ends it (H9)", () => {
    const { field, edit, values } = fieldOf()
    field.focuses(true)
    field.composes(true, "a")
    edit("ni")
    field.focuses(false)
    expect(values()).toEqual(["ni"])
    edit("nin")
    expect(field.state.draft?.text).toBe("nin")
  })
})

describe("a text that the row has otherwise", () => {
  test("stays while the field has the focus, until the row changes again (H9)", async () => {
    const { field, commits, edit } = fieldOf()
    field.focuses(true)
    edit("b ")
    await commits[0].keep()
    field.rowShown("b")
    expect(field.state).toEqual({ draft: null, rest: { text: "b ", row: "b" }, error: null })
    field.rowShown("b")
    expect(field.state.rest?.text).toBe("b ")
    field.rowShown("z")
    expect(field.state.rest).toBeNull()
    edit("c ")
    await commits[1].keep()
    field.rowShown("c")
    expect(field.state.rest?.text).toBe("c ")
    field.focuses(false)
    expect(field.state.rest).toBeNull()
  })

  test("gives way at once without the focus, and with it where they are equal (H9)", async () => {
    const { field, commits, edit } = fieldOf()
    edit("b ")
    await commits[0].keep()
    field.rowShown("b")
    expect(field.state.rest).toBeNull()
    field.focuses(true)
    edit("c")
    await commits[1].keep()
    field.rowShown("c")
    expect(field.state).toEqual({ draft: null, rest: null, error: null })
  })
})
