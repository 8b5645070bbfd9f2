import { BlockList, isIP } from "node:net"

/** What an upgrade contains about the requested host and its sender. */
export interface HostRequest {
  /** As the browser sent it, or as a trusted proxy passed it on. */
  readonly host: string | undefined
  /** The socket's remote address. Undefined: a Unix socket. */
  readonly remoteAddress: string | undefined
  /** A header that a proxy adds. A page cannot set one on a WebSocket. */
  readonly isForwarded: boolean
}

export interface HostRules {
  /** The app's `hosts`; null: not given. */
  readonly hosts: ReadonlySet<string> | null
  /** Hosts of the app's `origins`. */
  readonly originHosts: ReadonlySet<string>
  readonly trustProxy: number
  readonly isProduction: boolean
}

/**
 * Whether this server is known by the host that was asked for (S24). A page of another site can point a name of its own at
 * this machine: its requests are then of one origin with the server, and only the Host header shows that the name is foreign.
 * With `hosts` a host must be listed. Without, the check is for who can be tricked so: a browser on this machine, and in
 * development one on this network, that reaches the server without a proxy. It must name localhost, an address, or a host of `origins`.
 */
export function isHostAllowed(request: HostRequest, rules: HostRules): boolean {
  const { hosts, originHosts, trustProxy, isProduction } = rules
  if (hosts !== null) return isListed(request.host, hosts)
  const isDirect = trustProxy === 0 && !request.isForwarded
  if (!isDirect || !isNear(request.remoteAddress, isProduction)) return true
  if (request.host === undefined) return true // no browser omits it
  const host = parseHost(request.host)
  return host !== null && (isLocalName(host.name) || originHosts.has(host.name))
}

export function isListed(text: string | undefined, hosts: ReadonlySet<string>): boolean {
  const host = parseHost(text)
  return host !== null && (hosts.has(host.name) || hosts.has(`${host.name}:${host.port}`))
}

/**
 * The app's `hosts`: names without a scheme, with a port or for every port.
 * @throws TypeError for what is no host: a scheme, a path, a wildcard, upper case
 */
export function checkHosts(hosts: readonly string[] | undefined): ReadonlySet<string> | null {
  if (hosts === undefined) return null
  for (const text of hosts) {
    const host = parseHost(text)
    const canonical = host === null ? null : host.port === "" ? host.name : `${host.name}:${host.port}`
    if (canonical !== text)
      throw new TypeError(`createLf({ hosts }): expected a host like "app.example.com", got "${text}"`)
  }
  return new Set(hosts)
}

export function hostsOfOrigins(origins: ReadonlySet<string>): ReadonlySet<string> {
  return new Set(Array.from(origins, (origin) => new URL(origin).hostname))
}

/** Headers that proxies add. */
const FORWARDING = ["forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip"]

export function isForwarded(headers: Readonly<Record<string, unknown>>): boolean {
  return FORWARDING.some((name) => headers[name] !== undefined)
}

interface ParsedHost {
  /** Lower case, punycode, IPv6 in brackets, no dot at the end. */
  readonly name: string
  readonly port: string
}

function parseHost(text: string | undefined): ParsedHost | null {
  if (text === undefined || /[/?#@\\\s*]/.test(text) || !URL.canParse(`http://${text}`)) return null
  const { hostname } = new URL(`http://${text}`)
  return { name: hostname.replace(/\.$/, ""), port: /:(\d+)$/.exec(text)?.[1] ?? "" }
}

function isLocalName(name: string): boolean {
  return name === "localhost" || name.endsWith(".localhost") || isIP(name.replace(/^\[|\]$/g, "")) !== 0
}

const LOOPBACK = new BlockList()
LOOPBACK.addSubnet("127.0.0.0", 8, "ipv4")
LOOPBACK.addAddress("::1", "ipv6")

const NETWORK = new BlockList()
for (const [net, bits] of [
  ["10.0.0.0", 8],
  ["172.16.0.0", 12],
  ["192.168.0.0", 16],
  ["169.254.0.0", 16],
] as const) {
  NETWORK.addSubnet(net, bits, "ipv4")
}
NETWORK.addSubnet("fc00::", 7, "ipv6")
NETWORK.addSubnet("fe80::", 10, "ipv6")

/** On this machine, or on its network where proxies of a deployment are not to be expected. */
function isNear(remoteAddress: string | undefined, isProduction: boolean): boolean {
  if (remoteAddress === undefined) return false
  const address = remoteAddress.replace(/^::ffff:(?=\d+\.)/i, "").split("%")[0]
  const family = isIP(address) === 6 ? "ipv6" : "ipv4"
  return LOOPBACK.check(address, family) || (!isProduction && NETWORK.check(address, family))
}
