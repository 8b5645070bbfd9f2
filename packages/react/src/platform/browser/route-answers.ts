import { type ErrorCode, LfError } from "@lf/core"
import { errorName } from "./browser-storage.ts"

/** The first request in development compiles the route. */
const ROUTE_MS_MAX = 10_000
/** Statuses of a proxy whose server is down. */
const GATEWAY_STATUSES: ReadonlySet<number> = new Set([502, 503, 504])
/** The route's default path; any other is the provider's `url`. */
const ROUTE_FILE = "app/api/lf/route.ts"

/** Resolves when the route is there and healthy, or when it cannot be requested. */
export async function askRoute(url: string): Promise<void> {
  let response: Response
  try {
    response = await fetch(url, { method: "GET", cache: "no-store", signal: AbortSignal.timeout(ROUTE_MS_MAX) })
  } catch (error) {
    // A worker that has lost its service worker cannot fetch any more; a socket still opens, if there is a server.
    if (errorName(error) === "TypeError") return
    throw unreachable(url, `no answer within ${ROUTE_MS_MAX / 1000} s`)
  }
  const refusal = await refusalIn(response, url)
  if (refusal !== null) throw refusal
}

/** Null: this is the route, and it is healthy. */
async function refusalIn(response: Response, url: string): Promise<LfError | null> {
  const { status } = response
  const body = await jsonOf(response)
  const refusal = refusalOf(response, body, url)
  if (refusal !== null) return refusal
  if (response.ok && body.ok === true) return null
  if (status >= 500) {
    return new LfError("ROUTE_FAILED", `GET ${url} answered ${status}: the reason is in the server's log`)
  }
  const where = response.redirected ? `, after a redirect to ${response.url}` : ""
  const type = response.headers.get("content-type") ?? "no content type"
  return new LfError(
    "ROUTE_MISSING",
    `GET ${url} answered ${status} (${type})${where}, expected the JSON of ${ROUTE_FILE}. Is the route there, no middleware before it, and does the provider's url name it, basePath included?`,
  )
}

/** What the server, or a proxy whose server is down, says with any answer; null: neither. */
export function refusalOf(
  { status }: Response,
  { code, message }: Readonly<Record<string, unknown>>,
  url: string,
): LfError | null {
  if (typeof code === "string") return new LfError(code as ErrorCode, typeof message === "string" ? message : code) // a newer server's code passes through
  return GATEWAY_STATUSES.has(status) ? unreachable(url, `a proxy answered ${status}`) : null
}

export async function jsonOf(response: Response): Promise<Readonly<Record<string, unknown>>> {
  try {
    const body: unknown = await response.json()
    return typeof body === "object" && body !== null ? (body as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}

export function unreachable(url: string, why: string): LfError {
  return new LfError("SERVER_UNREACHABLE", `${url} cannot be reached: ${why}`)
}
