import type { Local } from "../local/local.ts"
import type { SessionState } from "../local/session.ts"
import { decodeMessage } from "../network/codec.ts"
import type { Welcome } from "../network/message.ts"
import type { Network } from "../network/network.ts"

/** The way to the server, observed: calls `report` with each connection's welcome, and with null at its end. */
export function greeted(network: Network, report: (welcome: Welcome | null) => void): Network {
  return {
    async connect() {
      const pipe = await network.connect()
      return {
        send: (frame) => pipe.send(frame),
        close: (reason) => pipe.close(reason),
        listen: (listener) =>
          pipe.listen({
            frame(frame) {
              const message = decodeMessage(frame)
              if (message.type === "welcome") report(message)
              listener.frame(frame)
            },
            closed: (reason) => listener.closed(reason),
          }),
      }
    },
  }
}

/** What a status claims wrongly; null: all of it is right. */
export function wrongClaim(state: SessionState, local: Local, welcome: Welcome | null): string | null {
  const { status, error, isUpToDate, firstSync } = state
  if (isUpToDate && status !== "connected") return `is up to date, and ${status}`
  if (status === "connected" && (welcome === null || error !== null)) return "is connected, and never was welcomed"
  if (isUpToDate && welcome !== null && (local.epoch !== welcome.epoch || local.cursor < welcome.lsn))
    return `has all that the server had (${welcome.lsn}), at ${local.cursor}`
  if (firstSync !== null && local.cursor !== 0) return `syncs for the first time, at ${local.cursor}`
  if (local.pendingCount !== local.pending().length) return `has ${local.pendingCount} pending`
  return null
}
