import type { IncomingHttpHeaders } from "node:http"
import { isIP } from "node:net"

/** More proxies than any deployment has in a row. */
const PROXIES_MAX = 32

/** @throws TypeError for what is no number of proxies: `true` would trust headers that a client can forge */
export function checkProxies(count: unknown): number {
  if (typeof count === "number" && Number.isInteger(count) && count >= 0 && count <= PROXIES_MAX) return count
  throw new TypeError(
    `createLf({ trustProxy }): expected how many proxies of yours stand before the server, a whole number from 0 to ${PROXIES_MAX}, got ${typeof count === "number" ? count : typeof count}`,
  )
}

/** What a request contains about its origin. */
export interface AddressRequest {
  readonly remoteAddress: string | undefined
  readonly headers: IncomingHttpHeaders
}

/**
 * The address that a connection counts towards; of IPv6 the /64 that one customer has. Proxy headers are trusted for
 * exactly `hops` entries from the end, since each proxy appends one; entries before those can be forged by the client.
 */
export function addressOf({ remoteAddress, headers }: AddressRequest, hops: number): string {
  const peer = remoteAddress ?? "unknown"
  if (hops === 0) return groupOf(peer)
  const entries = forwardedFor(headers)
  const entry = entries[entries.length - Math.min(hops, entries.length)]
  return groupOf(entry !== undefined && isIP(entry) !== 0 ? entry : peer)
}

/** The host that the browser requested. Trusted proxies may have moved it to a forwarding header. */
export function hostOf({ headers }: Pick<AddressRequest, "headers">, hops: number): string | undefined {
  if (hops === 0) return headers.host
  const said = listOf(headers["x-forwarded-host"]) ?? forwarded(headers, "host")
  return said?.[said.length - Math.min(hops, said.length)] ?? headers.host
}

function forwardedFor(headers: IncomingHttpHeaders): readonly string[] {
  const entries = listOf(headers["x-forwarded-for"]) ?? forwarded(headers, "for") ?? []
  return entries.map(withoutPort)
}

/** One parameter of RFC 7239's header, from each hop that has it. */
function forwarded(headers: IncomingHttpHeaders, name: "for" | "host"): string[] | undefined {
  return listOf(headers.forwarded)?.flatMap((hop) => {
    const found = hop
      .split(";")
      .map((pair) => pair.trim().split("="))
      .find(([key]) => key.toLowerCase() === name)
    return found?.[1] === undefined ? [] : [found[1].replaceAll('"', "")]
  })
}

function listOf(header: string | string[] | undefined): string[] | undefined {
  if (header === undefined) return undefined
  const text = Array.isArray(header) ? header.join(",") : header
  return text
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "")
}

/** "1.2.3.4:5" and "[::1]:5" as proxies write them. */
function withoutPort(entry: string): string {
  const bracketed = /^\[(.+)\](:\d+)?$/.exec(entry)
  if (bracketed !== null) return bracketed[1]
  return /^[\d.]+:\d+$/.test(entry) ? entry.slice(0, entry.indexOf(":")) : entry
}

function groupOf(address: string): string {
  const plain = address.toLowerCase().split("%")[0]
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(plain)
  if (mapped !== null) return mapped[1]
  return isIP(plain) === 6 ? `${prefix64(plain)}::/64` : plain
}

/** The first four groups, expanded. */
function prefix64(address: string): string {
  const [head, tail] = address.split("::")
  const left = head === "" ? [] : head.split(":")
  const right = tail === undefined || tail === "" ? [] : tail.split(":")
  // An IPv4 tail is two groups.
  const rightCount = right.length + (right.at(-1)?.includes(".") ? 1 : 0)
  const groups = tail === undefined ? left : [...left, ...Array(8 - left.length - rightCount).fill("0"), ...right]
  return groups
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, ""))
    .join(":")
}
