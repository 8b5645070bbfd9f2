import { LfError } from "../base/error.ts"
import type { Tx } from "./tx.ts"

/** The mutation that `useUndo` makes. `authorize` is asked for it under this name. */
export const UNDO_NAME = "lf.undo"

/** A transaction that can undo. */
export interface UndoTx extends Tx {
  undo(uid: string): void
}

/** What `useUndo` makes: undoes the mutation `uid`, an undone one included. */
export const UndoMutation = {
  name: UNDO_NAME,
  parse(args: unknown): { readonly uid: string } {
    if (typeof args === "object" && args !== null && "uid" in args && typeof args.uid === "string")
      return { uid: args.uid }
    throw new LfError("MUTATION_ARGS_INVALID", `${UNDO_NAME}: expected { uid } of a mutation, got something else`)
  },
  // A mutation runs in a `MutationTx`, and `parse` gave the arguments.
  run: (tx: Tx, parsed: unknown): void => (tx as UndoTx).undo((parsed as { readonly uid: string }).uid),
} as const
