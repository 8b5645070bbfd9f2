import { ERROR_CODES, type ErrorCode, type LfError } from "@lf/core"
import { PROTOCOL_VERSION } from "@lf/core/internal"
import { reasonOf } from "../log/error-report.ts"
import { hostOf } from "./client-address.ts"
import { isListed } from "./host-list.ts"
import { isOriginAllowed } from "./origin.ts"

/** The exports of a route file. Neither method reads or writes a document. */
export interface Handlers {
  /**
   * 403 ORIGIN_REFUSED for a host that is not one of `hosts`, both methods. The health check: 200 and `{ ok: true, protocol }` when documents can be served from here, else 503 and
   * `{ ok: false, code, message, reason }`, where `reason` has codes alone, as "LOG_FAILED SQLSTATE 28P01". Clients ask it before they connect, which also loads the route's code.
   */
  GET(request: Request): Promise<Response>
  /** Says why a WebSocket did not open: 403 ORIGIN_REFUSED, or 426 WEBSOCKET_REQUIRED when it should have. */
  POST(request: Request): Promise<Response>
}

export interface HandlerOptions {
  readonly origins: ReadonlySet<string>
  /** The app's `hosts`; null: not given, and the host is not checked. */
  readonly hosts: ReadonlySet<string> | null
  readonly trustProxy: number
  /** Why no document can be served now; null: they can. */
  trouble(): Promise<LfError | null>
}

/** Carries no data and ignores cookies: a page of any origin may read why its socket does not open. */
const HEADERS = { "cache-control": "no-store", "access-control-allow-origin": "*" }

export function routeHandlersOf({ trouble, ...rules }: HandlerOptions): Handlers {
  return {
    async GET(request) {
      // Reading a header keeps Next from prerendering this response at build time.
      const refusal = hostRefusal(request, rules)
      if (refusal !== null) return refused(refusal)
      const error = await trouble()
      return error === null
        ? answer(200, { ok: true, protocol: PROTOCOL_VERSION })
        : answer(503, {
            ok: false,
            code: error.code,
            message: ERROR_CODES[error.code],
            reason: reasonOf(error.cause) || undefined,
          })
    },
    async POST(request) {
      const refusal = hostRefusal(request, rules) ?? originRefusal(request, rules)
      if (refusal !== null) return refused(refusal)
      const code = "WEBSOCKET_REQUIRED" satisfies ErrorCode
      return answer(426, { code, message: ERROR_CODES[code] }, { upgrade: "websocket" })
    },
  }
}

type Rules = Omit<HandlerOptions, "trouble">

/** With `hosts` alone: a handler does not know its socket's remote address. */
function hostRefusal({ headers }: Request, { hosts, trustProxy }: Rules): string | null {
  const host = hostOf({ headers: Object.fromEntries(headers) }, trustProxy)
  if (hosts === null || isListed(host, hosts)) return null
  return "the server is not known by the host of this request. Add it to createLf({ hosts })"
}

function refused(message: string): Response {
  return answer(403, { code: "ORIGIN_REFUSED" satisfies ErrorCode, message })
}

/** The same check as for an upgrade, answered in text: a browser hides why an upgrade was refused. */
function originRefusal({ headers }: Request, { origins, trustProxy }: Rules): string | null {
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
