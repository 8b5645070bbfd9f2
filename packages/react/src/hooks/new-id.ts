import { uuidV7 } from "@lf/core/internal"

/** A UUIDv7: unique, and sorted by the time it was made. Not a secret. */
export function newId(): string {
  return uuidV7(Date.now(), crypto.getRandomValues(new Uint8Array(10)))
}
