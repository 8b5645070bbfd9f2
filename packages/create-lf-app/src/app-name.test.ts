import { expect, test } from "vitest"
import { checkAppName } from "./app-name.ts"

test("the last part of the path is the package's name", () => {
  expect(checkAppName("my-app", "/home/me")).toEqual({ type: "ok", directory: "/home/me/my-app", name: "my-app" })
  expect(checkAppName(" apps/todo.2 ", "/home/me")).toMatchObject({ directory: "/home/me/apps/todo.2", name: "todo.2" })
  expect(checkAppName(".", "/home/me/here")).toMatchObject({ directory: "/home/me/here", name: "here" })
})

test.each([
  ["", "needs a name"],
  ["  ", "needs a name"],
  ["MyApp", "Perhaps myapp?"],
  ["my app!", "Perhaps my-app?"],
  [".hidden", "Perhaps hidden?"],
  ["_private", "Perhaps private?"],
  ["@scope", "Perhaps scope?"],
  ["日本", "cannot be a package's name"],
  ["/", "cannot be a package's name"],
  ["node_modules", "npm keeps"],
  ["a".repeat(215), "at most 214"],
])("%j is refused with a reason", (asked, reason) => {
  expect(checkAppName(asked, "/home/me")).toEqual({ type: "invalid", reason: expect.stringContaining(reason) })
})
