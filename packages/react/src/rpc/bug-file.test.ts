import { BUG_PAGES_MAX } from "@lf/core/internal"
import { expect, test } from "vitest"
import { BUG_FILE_VERSION, type Bug, readBugFile, writeBugFile } from "./bug-file.ts"

const bug: Bug = {
  notes: {
    madeAt: "2026-01-01T00:00:00.000Z",
    doc: "d",
    user: null,
    clockMs: 5,
    code: { version: null, protocol: 1, mutations: ["Add"], userAgent: "a browser" },
    status: "connected",
    errors: [],
    timeline: [],
  },
  copy: {
    epoch: "e",
    cursor: 7,
    pages: Uint8Array.from({ length: 2 * 4096 }, (_, i) => i % 251),
    checksum: 0xffff_0000_1234_5678n,
    pending: [Uint8Array.of(1, 2, 255)],
    rejections: [new Uint8Array()],
    schema: ["ab"],
  },
}

const refused = expect.objectContaining({ code: "BUG_FILE_INVALID" })

test("a bug file is read as it was written", async () => {
  expect(await readBugFile(await writeBugFile(bug))).toEqual(bug)
})

test("a file without pages is read as it was written", async () => {
  const empty = { ...bug, copy: { ...bug.copy, pages: new Uint8Array() } }
  expect(await readBugFile(await writeBugFile(empty))).toEqual(empty)
})

test("what is no bug file, is newer, or was damaged is refused with a reason", async () => {
  const text = await writeBugFile(bug)
  const json = JSON.parse(text)
  const wrong = [
    "",
    "[]",
    "null",
    '"text"',
    text.slice(0, -20),
    JSON.stringify({ ...json, format: "other" }),
    JSON.stringify({ ...json, version: BUG_FILE_VERSION + 1 }),
    JSON.stringify({ ...json, pending: null }),
    JSON.stringify({ ...json, base: { ...json.base, pages: "AAAA" } }),
    JSON.stringify({ ...json, base: { ...json.base, pageCount: 3 } }),
    JSON.stringify({ ...json, base: { ...json.base, pageCount: 1 } }),
    JSON.stringify({ ...json, base: { ...json.base, pageCount: BUG_PAGES_MAX + 1 } }),
    JSON.stringify({ ...json, base: { ...json.base, pageCount: -1 } }),
    JSON.stringify({ ...json, notes: { ...json.notes, user: 5 } }),
    JSON.stringify({ ...json, notes: null }),
    JSON.stringify({ ...json, pending: [5] }),
    JSON.stringify({ ...json, base: { ...json.base, checksum: "no number" } }),
  ]
  for (const one of wrong) await expect(readBugFile(one)).rejects.toEqual(refused)
})
