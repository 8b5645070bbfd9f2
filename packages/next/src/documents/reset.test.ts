import { readdir, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { afterEach, expect, test } from "vitest"
import { Add, cleanUp, startServer, temporaryDirectory, titlesQuery } from "../testing/fixture.ts"
import { resetDirectory } from "./reset.ts"

afterEach(cleanUp)

test("lf reset deletes the documents and nothing else, and not under a server", async () => {
  const { lf, dataDir } = await startServer()
  for (const id of ["a", "B"]) await lf.document(id, { as: "system" }).mutate(Add, { id, title: id })
  await writeFile(join(dataDir, "notes.txt"), "mine")
  await expect(resetDirectory(dataDir)).rejects.toMatchObject({ code: "SERVER_DIRECTORY_OWNED" })
  expect(await lf.document("a", { as: "system" }).query(titlesQuery)).toEqual([{ title: "a" }])
  await lf.close()
  expect(await resetDirectory(dataDir)).toBe(2)
  // The lock file stays: it is the same file for everyone who ever locks it.
  expect(await readdir(dataDir)).toEqual(["notes.txt", "owner.lock"])
})

test("lf reset leaves a directory alone that is not lf's", async () => {
  const directory = await temporaryDirectory()
  await writeFile(join(directory, "docs"), "a file")
  expect(await resetDirectory(directory)).toBe(null)
  expect(await resetDirectory(join(directory, "absent"))).toBe(null)
  expect(await readdir(directory)).toEqual(["docs"])
})
