import { toLfError } from "@lf/core/internal"
import type { ShownError } from "../rpc/devtools-protocol.ts"

export function toShownError(thrown: unknown): ShownError {
  const { code, message } = toLfError(thrown, "WORKER_FAILED")
  return { code, message }
}
