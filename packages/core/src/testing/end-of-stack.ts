import { isLfError } from "../base/error.ts"

/**
 * Runs `work` where hardly anything is left of the stack, then with a little more of it, until it ends or throws an
 * `LfError`, of which `expected` ends here. The same on every machine, as a deep call of the wasm is not.
 */
export function atTheEndOfTheStack(work: () => unknown, expected?: string): void {
  try {
    atTheEndOfTheStack(work, expected)
  } catch (error) {
    if (isLfError(error)) {
      if (error.code === expected) return
      throw error
    }
    work()
  }
}
