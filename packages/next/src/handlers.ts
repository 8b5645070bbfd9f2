import { ERROR_CODES, type ErrorCode, type LfError, PROTOCOL_VERSION } from "@lf/core"
import { hostOf } from "./address.ts"
import { isOriginAllowed } from "./origin.ts"

/** What a route file exports. Neither method reads or writes a document. */
export interface Handlers {
  /**
   * The health check: 200 and `{ ok: true, protocol }` when documents can be served from here, else 503 and
   * `{ ok: false, code, message }`. Clients ask it before they connect, which also loads the route's code.
   */
  GET(request: Request): Promise<Response>
  /** Tells a client whose WebSocket does not open why: 403 ORIGIN_REFUSED, or 426 WEBSOCKET_REQUIRED when it should have. */
  POST(request: Request): Promise<Response>
}

export interface HandlerOptions {
  readonly origins: ReadonlySet<string>
  readonly trustProxy: number
  /** Why no document can be served from here now; null: they can. */
  trouble(): Promise<LfError | null>
}

/** Carries no data and no cookies are asked for: a page on any origin may read why its socket does not open. */
const HEADERS = { "cache-control": "no-store", "access-control-allow-origin": "*" }

export function handlersOf({ origins, trustProxy, trouble }: HandlerOptions): Handlers {
  return {
    async GET(request) {
      // Reading a header keeps Next from answering this once and for all when the app is built.
      request.headers.get("host")
      const error = await trouble()
      return error === null
        ? answer(200, { ok: true, protocol: PROTOCOL_VERSION })
        : answer(503, { ok: false, code: error.code, message: ERROR_CODES[error.code] })
    },
    async POST(request) {
      const refusal = originRefusal(request, { origins, trustProxy })
      if (refusal !== null) return answer(403, { code: "ORIGIN_REFUSED" satisfies ErrorCode, message: refusal })
      const code = "WEBSOCKET_REQUIRED" satisfies ErrorCode
      return answer(426, { code, message: ERROR_CODES[code] }, { upgrade: "websocket" })
    },
  }
}

/** The same question as for an upgrade, answered in words: a browser says nothing about a refused upgrade. */
function originRefusal({ headers }: Request, { origins, trustProxy }: Omit<HandlerOptions, "trouble">): string | null {
  const origin = headers.get("origin") ?? undefined
  const host = hostOf({ headers: Object.fromEntries(headers) }, trustProxy)
  const isSecure = headers.get("x-forwarded-proto") === "https"
  if (isOriginAllowed({ origin, host, hasCookie: headers.has("cookie"), isSecure }, origins)) return null
  const where = `${isSecure ? "https" : "http"}://${host ?? "?"}`
  return `the page is at ${origin ?? "no origin"}, the server takes requests for ${where}. Add the page's origin to createLf({ origins }), or let the proxy keep the Host header (and say trustProxy)`
}

function answer(status: number, body: object, headers: Readonly<Record<string, string>> = {}): Response {
  return Response.json(body, { status, headers: { ...HEADERS, ...headers } })
}
