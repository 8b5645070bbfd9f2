import { STATUS_CODES } from "node:http"
import type { Duplex } from "node:stream"
import { ERROR_CODES, type ErrorCode } from "@lf/core"

export interface Refusal {
  readonly status: number
  /** None: the path is not lf's. */
  readonly code?: ErrorCode
}

/** Retry-After of a refusal; lf's client uses a random, doubling delay instead. */
const RETRY_SECONDS = 5
/** How long a response waits for a client that does not read. */
const ANSWER_MS_MAX = 2_000

/** Answers with a plain response instead of the upgrade, and closes the connection. */
export function refuse(socket: Duplex, { status, code }: Refusal): void {
  const reason = STATUS_CODES[status]
  const body = code === undefined ? `${reason}\n` : JSON.stringify({ code, message: ERROR_CODES[code] })
  const head = [
    `HTTP/1.1 ${status} ${reason}`,
    "Connection: close",
    `Content-Type: ${code === undefined ? "text/plain" : "application/json"}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    ...(status === 429 || status === 503 ? [`Retry-After: ${RETRY_SECONDS}`] : []),
  ]
  socket.on("error", () => {}) // it may be closed already
  socket.once("finish", () => socket.destroy())
  cutLater(socket)
  socket.end(`${head.join("\r\n")}\r\n\r\n${body}`)
}

/** Stops reading, and gives what was written some time to be read. */
export function cutLater(socket: Duplex): void {
  const timer = setTimeout(() => socket.destroy(), ANSWER_MS_MAX).unref()
  socket.once("close", () => clearTimeout(timer))
}
