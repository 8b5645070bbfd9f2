import { build } from "esbuild"
import { expect, test } from "vitest"

/** All that a bundle of this entry holds, with what it loads later. */
async function bundle(entry: string, environment: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [new URL(entry, import.meta.url).pathname],
    bundle: true,
    write: false,
    splitting: true,
    format: "esm",
    outdir: "out",
    platform: "browser",
    define: { "process.env.NODE_ENV": JSON.stringify(environment) },
    external: ["react", "react-dom", "@tanstack/react-query", "wa-sqlite", "module"],
  })
  return outputFiles.map(({ text }) => text).join()
}

test("a production bundle has nothing of the panel, and one for development has it", async () => {
  const [production, development] = await Promise.all([
    bundle("index.ts", "production"),
    bundle("index.ts", "development"),
  ])
  expect([production.includes("Export this bug"), development.includes("Export this bug")]).toEqual([false, true])
  expect(production.length).toBeLessThan(1_000)
})

test("a production worker has nothing of the devtools' desk, and one for development has it", async () => {
  const entry = "../worker/index.ts"
  const [production, development] = await Promise.all([bundle(entry, "production"), bundle(entry, "development")])
  const marks = ["lf-bug", "got one that is not open yet"]
  expect(marks.map((mark) => [production.includes(mark), development.includes(mark)])).toEqual(
    marks.map(() => [false, true]),
  )
})
