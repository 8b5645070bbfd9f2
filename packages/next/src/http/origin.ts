/** What an upgrade request says about where it comes from and where it goes. */
export interface OriginRequest {
  readonly origin: string | undefined
  readonly host: string | undefined
  readonly hasCookie: boolean
  /** TLS up to us, or up to a proxy that says so. */
  readonly isSecure: boolean
}

/**
 * Whether a page of this origin may open a socket (S1): browsers send their cookies with every WebSocket, whoever's page
 * opens it, so an exact match is all that stands between another site and this user's documents. Same origin always may,
 * `allowed` may besides. A request without Origin is no browser's: it may when it carries no cookie.
 */
export function isOriginAllowed(request: OriginRequest, allowed: ReadonlySet<string>): boolean {
  const { origin, host, hasCookie, isSecure } = request
  if (origin === undefined) return !hasCookie
  if (allowed.has(origin)) return true
  if (origin === originOf("https", host)) return true
  return origin === originOf("http", host) && !isSecure
}

/** As a browser writes it: lower case, punycode, no default port. Null for what is no host and nothing else. */
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
