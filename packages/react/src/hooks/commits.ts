import type { Receipt } from "@lf/core"

let collecting: Promise<Receipt>[] | null = null

/** A mutation was posted. True: a committing field handles its outcome. */
export function noteReceipt(receipt: Promise<Receipt>): boolean {
  collecting?.push(receipt)
  return collecting !== null
}

/** Runs `commit` and returns every mutation that it posted before it returned, also those whose promises it dropped. */
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
