import { processGlobal } from "./globals.ts"

/** Bytes of all sockets of this process, for a counter. */
export interface Traffic {
  receivedBytes: number
  sentBytes: number
}

export function traffic(): Traffic {
  return processGlobal("traffic", () => ({ receivedBytes: 0, sentBytes: 0 }))
}
