import { readdirSync, readFileSync, statSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { describe, expect, test } from "vitest"
import { readTemplate, type TemplateName, templateNames } from "./layers.ts"

const root = fileURLToPath(new URL("../templates", import.meta.url))

async function packageOf(name: TemplateName) {
  return JSON.parse((await readTemplate(name)).get("package.json") ?? "")
}

describe("layers", () => {
  test("a later layer's file takes the place of an earlier one's; package.json is merged, AGENTS.md grows", async () => {
    const [todo, auth] = await Promise.all([readTemplate("todo"), readTemplate("auth")])
    expect(auth.get("app/todos.tsx")).toBe(todo.get("app/todos.tsx"))
    expect([todo.has("app/todos-page.tsx"), auth.has("app/todos-page.tsx")]).toEqual([true, false])
    expect(auth.get("lf.server.ts")).not.toBe(todo.get("lf.server.ts"))
    expect(auth.get("AGENTS.md")).toBe(
      `${todo.get("AGENTS.md")}\n${readFileSync(join(root, "auth/AGENTS.md"), "utf8")}`,
    )
    const { dependencies, devDependencies, scripts } = await packageOf("auth")
    expect(dependencies).toMatchObject({ "better-auth": expect.any(String), next: expect.any(String) })
    expect(Object.keys(dependencies)).toEqual(Object.keys(dependencies).sort())
    expect([devDependencies, scripts]).toEqual([
      (await packageOf("todo")).devDependencies,
      (await packageOf("todo")).scripts,
    ])
  })

  test.each(templateNames)(
    "%s pins every version, and has for tests and builds devDependencies alone",
    async (name) => {
      const { dependencies, devDependencies } = await packageOf(name)
      const versions = Object.entries({ ...dependencies, ...devDependencies }).filter(
        ([name]) => !name.startsWith("@lf/"),
      )
      expect(versions.filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(String(version)))).toEqual([])
      expect(
        Object.keys(dependencies).filter((name) => /vitest|vite|jsdom|playwright|eslint|esbuild|serwist/.test(name)),
      ).toEqual([])
    },
  )

  test("no file is in two layers with the same text", () => {
    const texts = new Map<string, string>()
    const twice: string[] = []
    for (const file of readdirSync(root, { recursive: true, encoding: "utf8" })) {
      const path = join(root, file)
      if (!statSync(path).isFile()) continue
      const text = readFileSync(path, "utf8")
      const other = texts.get(text)
      if (other !== undefined) twice.push(`${other} ${path}`)
      texts.set(text, path)
    }
    expect(twice).toEqual([])
  })
})
