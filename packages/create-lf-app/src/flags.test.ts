import { expect, test } from "vitest"
import { parseFlags } from "./flags.ts"

function flagsOf(...args: string[]) {
  const result = parseFlags(args)
  return result.type === "ok" ? result.flags : result.reason
}

test("without arguments everything is open", () => {
  expect(flagsOf()).toEqual({
    directory: undefined,
    add: false,
    install: undefined,
    pm: undefined,
    template: undefined,
    yes: false,
    help: false,
    version: false,
    lfFrom: undefined,
  })
})

test("every question has a flag", () => {
  expect(flagsOf("my-app", "--yes", "--no-install", "--pm", "pnpm", "--template", "auth")).toMatchObject({
    directory: "my-app",
    yes: true,
    install: false,
    pm: "pnpm",
    template: "auth",
  })
  expect(flagsOf("-y", "--install", "--lf-from=packs")).toMatchObject({ yes: true, install: true, lfFrom: "packs" })
})

test("what is not understood is refused with a reason", () => {
  expect(flagsOf("a", "b")).toBe("One directory, not 2.")
  expect(flagsOf("--install", "--no-install")).toContain("not both")
  expect(flagsOf("--pm", "pip")).toContain("not pip")
  expect(flagsOf("--nonsense")).toContain("--nonsense")
})
