import { ERROR_CODES, type ErrorCode, PROTOCOL_VERSION } from "@lf/core"

/** What a route file exports. */
export interface Handlers {
  /** The client asks before it connects: that loads the route's code, and with it the claim on the upgrades. */
  GET(request: Request): Promise<Response>
  POST(request: Request): Promise<Response>
}

export const handlers: Handlers = {
  GET: async () => answer(200, { ok: true, protocol: PROTOCOL_VERSION }),
  POST: async () => refuse(426, "WEBSOCKET_REQUIRED", { upgrade: "websocket" }),
}

function refuse(status: number, code: ErrorCode, headers: Readonly<Record<string, string>>): Response {
  return answer(status, { code, message: ERROR_CODES[code] }, headers)
}

function answer(status: number, body: object, headers: Readonly<Record<string, string>> = {}): Response {
  return Response.json(body, { status, headers: { "cache-control": "no-store", ...headers } })
}
