/** An invariant of our own code. A false one is a bug and is never caught. */
export function assert(claim: unknown, message: string): asserts claim {
  if (!claim) throw new Error(`assertion failed: ${message}`)
}

/** The default of a switch over a union: reached only when a case is missing. */
export function unreachable(message: string): never {
  throw new Error(`unreachable: ${message}`)
}
