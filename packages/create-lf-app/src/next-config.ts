const IMPORT = 'import { withLf } from "@lf/next/config"'

/** A next.config with `withLf` around what it exports: the same text if it is there, null where its form is another. */
export function withLfAround(text: string): string | null {
  if (/\bwithLf\s*\(/.test(text)) return text
  const found = [...text.matchAll(/^export default (?!async |function|class )(.+?);?[ \t]*$/gm)]
  // Of an expression over several lines the first line has an open bracket.
  if (found.length !== 1 || !isClosed(found[0][1])) return null
  const [line, exported] = found[0]
  const end = line.trimEnd().endsWith(";") ? ";" : ""
  const wrapped = text.replace(line, () => `export default withLf(${exported})${end}`)
  const semicolon = /^import .*;[ \t]*$/m.test(text) || end !== "" ? ";" : ""
  return `${IMPORT}${semicolon}\n${wrapped.startsWith("import") ? "" : "\n"}${wrapped}`
}

function isClosed(expression: string): boolean {
  let open = 0
  for (const letter of expression) {
    if ("([{".includes(letter)) open++
    else if (")]}".includes(letter)) open--
  }
  return open === 0
}
