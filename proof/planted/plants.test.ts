import { readFileSync } from "node:fs"
import { join } from "node:path"
import { expect, test } from "vitest"
import { isOfHooks, plants } from "./plants/all.ts"

const packages = join(import.meta.dirname, "../../packages")

test("each plant's text is in its file exactly once", () => {
  const wrong = plants.flatMap((plant) =>
    plant.edits.flatMap(({ file, find }) => {
      const path = join(packages, isOfHooks(plant) ? "react/src" : "core/src", file)
      const count = readFileSync(path, "utf8").split(find).length - 1
      return count === 1 ? [] : [`${plant.name}: ${count} times in ${file}`]
    }),
  )
  expect(wrong).toEqual([])
})
