/** The same on the server and in every browser. */
export function numberText(value: number): string {
  return value.toLocaleString("en")
}
