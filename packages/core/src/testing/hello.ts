import { LSN_ZERO } from "../base/lsn.ts"
import { type Hello, PROTOCOL_VERSION } from "../network/message.ts"

/** A new client's first message, with `given` in place of its fields. */
export function helloOf(given: Partial<Omit<Hello, "type" | "protocol">> = {}): Hello {
  const { docId = "d", secret = new Uint8Array(32), epoch = "", cursor = LSN_ZERO, schema = [], token = "" } = given
  return { type: "hello", protocol: PROTOCOL_VERSION, docId, secret, epoch, cursor, schema, token }
}
