import { LfError } from "../base/error.ts"
import type { SqlValue } from "../sqlite/value.ts"

/** SQL for the text of a row: its values one after the other, texts as JSON has them, all others as SQL's literals. */
export function rowTextSql(columns: readonly string[]): string {
  const values = columns.map(
    (column) => `case typeof(${column}) when 'text' then json_quote(${column}) else quote(${column}) end`,
  )
  return `concat_ws(',', ${values.join(", ")})`
}

const VALUE = /"(?:[^"\\]|\\.)*"|[^,]+/g

/** The values of such a text. @throws SQL_CORRUPT */
export function valuesOfRowText(text: string): SqlValue[] {
  return (text.match(VALUE) ?? []).map((literal) => {
    if (literal === "NULL") return null
    if (literal.startsWith('"')) return String(JSON.parse(literal))
    if (literal.startsWith("X'")) return bytesOfHex(literal.slice(2, -1))
    if (/^-?\d+$/.test(literal)) {
      const value = BigInt(literal)
      return BigInt(Number.MIN_SAFE_INTEGER) <= value && value <= BigInt(Number.MAX_SAFE_INTEGER)
        ? Number(value)
        : value
    }
    const number = Number(literal)
    if (Number.isNaN(number)) throw new LfError("SQL_CORRUPT", "expected the text of a row, got something else")
    return number
  })
}

function bytesOfHex(hex: string): Uint8Array {
  return Uint8Array.from({ length: hex.length / 2 }, (_, i) => Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16))
}
