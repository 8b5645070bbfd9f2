import type { IncomingMessage } from "node:http"
import { TLSSocket } from "node:tls"
import { addressOf } from "./client-address.ts"

/** The address that a request's limits are counted by. */
export function addressIn({ socket, headers }: IncomingMessage, trustProxy: number): string {
  return addressOf({ remoteAddress: socket.remoteAddress, headers }, trustProxy)
}

/** Without a query and a slash at its end. */
export function pathOf(request: IncomingMessage): string {
  const [path] = (request.url ?? "/").split("?")
  return path.length > 1 && path.endsWith("/") ? path.slice(0, -1) : path
}

export function isSecure({ socket, headers }: IncomingMessage): boolean {
  return socket instanceof TLSSocket || headers["x-forwarded-proto"] === "https"
}

export function urlOf(request: IncomingMessage): URL {
  const base = `${isSecure(request) ? "https" : "http"}://${request.headers.host ?? "localhost"}`
  return URL.canParse(request.url ?? "/", base) ? new URL(request.url ?? "/", base) : new URL("http://localhost/")
}

export function headersOf({ rawHeaders }: IncomingMessage): Headers {
  const headers = new Headers()
  for (let i = 0; i < rawHeaders.length; i += 2) headers.append(rawHeaders[i], rawHeaders[i + 1])
  return headers
}
