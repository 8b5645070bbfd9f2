/** What an upgrade request contains about its origin and its target. */
export interface OriginRequest {
  readonly origin: string | undefined
  readonly host: string | undefined
  readonly hasCookie: boolean
  /** TLS up to this server, or up to a proxy that reports it. */
  readonly isSecure: boolean
}

/**
 * Whether a page of this origin may open a socket (S1). Browsers send cookies with every WebSocket, whichever site opens
 * it, so an exact match alone protects a user's documents from other sites. The same origin is always allowed, `allowed`
 * besides. A request without Origin does not come from a browser: allowed when it carries no cookie.
 */
export function isOriginAllowed(request: OriginRequest, allowed: ReadonlySet<string>): boolean {
  const { origin, host, hasCookie, isSecure } = request
  if (origin === undefined) return !hasCookie
  if (allowed.has(origin)) return true
  if (origin === originOf("https", host)) return true
  return origin === originOf("http", host) && !isSecure
}

/** As a browser writes it: lower case, punycode, no default port. Null unless it is a host and nothing else. */
function originOf(scheme: "http" | "https", host: string | undefined): string | null {
  if (host === undefined || /[/?#@\\\s]/.test(host)) return null
  const address = `${scheme}://${host}`
  return URL.canParse(address) ? new URL(address).origin : null
}

/**
 * The app's `origins`, each exactly as a browser sends it.
 * @throws TypeError for what is not an origin: a path, a wildcard, no scheme
 */
export function checkOrigins(origins: readonly string[]): ReadonlySet<string> {
  for (const origin of origins) {
    const { origin: canonical } = new URL(origin)
    if (canonical !== origin) throw new TypeError(`createLf({ origins }): ${origin} is not an origin; ${canonical} is`)
  }
  return new Set(origins)
}
