import type { Receipt } from "@lf/core"

let collecting: Promise<Receipt>[] | null = null

/** A mutation was posted. True: a field that commits takes what becomes of it. */
export function noteReceipt(receipt: Promise<Receipt>): boolean {
  collecting?.push(receipt)
  return collecting !== null
}

/** Runs `commit` and gives every mutation that it posted before it returned, whether it returned their promises or not. */
export function collectReceipts<T>(commit: () => T): { readonly returned: T; readonly receipts: Promise<Receipt>[] } {
  const outer = collecting
  const receipts: Promise<Receipt>[] = []
  collecting = receipts
  try {
    return { returned: commit(), receipts }
  } finally {
    collecting = outer
  }
}
