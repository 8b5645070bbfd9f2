import type { Lsn } from "../base/lsn.ts"

/** Where a mutation stands: whose journal, and its position there. */
export interface Place {
  readonly clientId: string
  readonly lsn: Lsn
}

export function placeKey({ clientId, lsn: at }: Place): string {
  return `${clientId}/${at}`
}
