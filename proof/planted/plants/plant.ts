/** A place in a file below packages/core/src, for one of the hooks below packages/react/src, and what stands there instead. */
export interface Edit {
  readonly file: string
  readonly find: string
  readonly replace: string
}

/**
 * A deliberate fault, in a bundle that only this proof makes: nothing of it is in what we ship. A plant whose text is not
 * found exactly once fails, because the code has moved on.
 */
export interface Plant {
  readonly name: string
  readonly edits: readonly Edit[]
}
