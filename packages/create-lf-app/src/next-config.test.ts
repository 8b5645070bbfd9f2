import { expect, test } from "vitest"
import { withLfAround } from "./next-config.ts"

const IMPORT = 'import { withLf } from "@lf/next/config"'

test.each([
  [
    "a name",
    "const config = {}\n\nexport default config\n",
    `${IMPORT}\n\nconst config = {}\n\nexport default withLf(config)\n`,
  ],
  [
    "a name, with semicolons and imports",
    'import type { NextConfig } from "next";\nconst config: NextConfig = { a: 1 };\nexport default config;\n',
    `${IMPORT};\nimport type { NextConfig } from "next";\nconst config: NextConfig = { a: 1 };\nexport default withLf(config);\n`,
  ],
  ["a call", "export default withMdx({ a: [1] })\n", `${IMPORT}\n\nexport default withLf(withMdx({ a: [1] }))\n`],
  ["an object on one line", "export default { a: $1 }", `${IMPORT}\n\nexport default withLf({ a: $1 })`],
])("%s is wrapped", (_what, text, expected) => {
  expect(withLfAround(text)).toBe(expected)
  expect(withLfAround(expected)).toBe(expected)
})

test.each([
  ["CommonJS", "module.exports = {}\n"],
  ["an expression over several lines", "export default {\n  a: 1,\n}\n"],
  ["a function", "export default async function config() {}\n"],
  ["nothing", "const config = {}\n"],
])("%s is left to its author", (_what, text) => {
  expect(withLfAround(text)).toBeNull()
})
