/** A claim about our own code. A false one is our bug: nobody catches it. */
export function assert(claim: unknown, message: string): asserts claim {
  if (!claim) throw new Error(`assertion failed: ${message}`)
}

/** The end of a switch over a union: reached only when a case was forgotten. */
export function unreachable(message: string): never {
  throw new Error(`unreachable: ${message}`)
}
