import { expect, test } from "vitest"
import { install, packageManagerOf } from "./package-manager.ts"

test("the package manager is the one that runs us", () => {
  expect(packageManagerOf("pnpm/10.1.0 npm/? node/v20.9.0 linux x64")).toBe("pnpm")
  expect(packageManagerOf("bun/1.2.0")).toBe("bun")
  expect(packageManagerOf("something/1")).toBe("npm")
  expect(packageManagerOf(undefined)).toBe("npm")
})

test("an installation that cannot start is a failed one", async () => {
  expect(await install("npm", "/nowhere/at/all")).toEqual({
    type: "failed",
    output: expect.stringContaining("npm"),
  })
})
