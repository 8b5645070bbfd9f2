import { LSN_ZERO } from "../base/lsn.ts"
import { type Hello, PROTOCOL_VERSION } from "../network/message.ts"

/** A client's first message: that of one who has nothing yet, but for what is given (by a Local, as it is). */
export function helloOf(given: Partial<Omit<Hello, "type" | "protocol">> = {}): Hello {
  const { docId = "d", secret = new Uint8Array(32), epoch = "", cursor = LSN_ZERO, schema = [], token = "" } = given
  return { type: "hello", protocol: PROTOCOL_VERSION, docId, secret, epoch, cursor, schema, token }
}
