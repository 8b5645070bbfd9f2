import { timingSafeEqual } from "node:crypto"
import { type IncomingMessage, type ServerResponse, STATUS_CODES } from "node:http"
import { ERROR_CODES } from "@lf/core"
import { decodeSend, type Peers, type Pipe, SEND_BODY_BYTES_MAX, type Send } from "@lf/core/internal"
import type { IntakeShare } from "../limits/connection-quotas.ts"
import { EventStreamPipe } from "../node/event-stream-pipe.ts"
import { processGlobal } from "../process/globals.ts"
import { isClosing, keepOpen } from "./claimed-paths.ts"
import { CLOSING, type ConnectionRoute, foreignRefusal, refusalOf } from "./connection-route.ts"
import { forward, keyOf, keyText, newStreamKey, openSend, sealSend, takeForwarded } from "./forwarded-sends.ts"
import type { Refusal } from "./refuse-upgrade.ts"
import { addressIn, headersOf, urlOf } from "./request-facts.ts"

/** An open stream of this process, by its id. */
interface OpenStream {
  readonly secret: string
  receive(send: Omit<Send, "key">): Promise<boolean>
}

/** Of all bundles of the process. */
function streams(): Map<string, OpenStream> {
  return processGlobal("eventStreams", () => new Map<string, OpenStream>())
}

/**
 * Serves clients whose WebSockets do not open: `POST ?stream` answers with the server's frames as server-sent events, each
 * `POST ?send` carries frames of the client. A send may come to any server of the store: it is forwarded to the one that
 * holds the stream. False: the request is none of the two.
 */
export function eventStreamsOf(
  route: ConnectionRoute,
  peers: Peers | null,
): (server: object, request: IncomingMessage, response: ServerResponse) => boolean {
  return (server, request, response) => {
    if (request.method !== "POST") return false
    const { searchParams } = urlOf(request)
    if (searchParams.has("stream")) openStream({ route, server, request, response, peers })
    else if (searchParams.has("send")) void takeSend({ route, server, request, response, peers })
    else return false
    return true
  }
}

/** For what other servers of the store forward. */
export function takeForwardedSends(pipe: Pipe): void {
  takeForwarded(pipe, async (sealed) => {
    const send = openSend(sealed, (id) => streams().get(id)?.secret)
    return send !== null && (await streams().get(send.id)?.receive(send)) === true
  })
}

interface Asked {
  readonly route: ConnectionRoute
  readonly server: object
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly peers: Peers | null
}

function openStream({ route, server, request, response, peers }: Asked): void {
  const { quotas, hostRules } = route
  const address = addressIn(request, hostRules.trustProxy)
  const refusal = isClosing(server) ? CLOSING : refusalOf(route, request, address)
  if (refusal !== null) {
    refuse(request, response, refusal)
    return
  }
  request.resume()
  const share = quotas.intake(address, () => pipe.close("RATE_LIMITED"))
  const pipe = new EventStreamPipe(response, { limits: quotas.limits, share })
  const key = newStreamKey(peers?.address ?? "")
  streams().set(key.id, { secret: key.secret, receive: (send) => pipe.receive(send) })
  const closed = quotas.opened(address)
  const { ended } = keepOpen({ server, group: route.group, close: (reason) => pipe.close(reason) })
  response.once("close", () => {
    streams().delete(key.id)
    ended()
    closed()
  })
  pipe.open(keyText(key), headersFor(request))
  route.accept({ pipe, address, headers: headersOf(request), url: urlOf(request) })
}

async function takeSend(asked: Asked): Promise<void> {
  const { route, server, request, response } = asked
  const { quotas, hostRules } = route
  const refusal = isClosing(server) ? CLOSING : foreignRefusal(route, request)
  if (refusal !== null) {
    refuse(request, response, refusal)
    return
  }
  const address = addressIn(request, hostRules.trustProxy)
  const share = quotas.intake(address, () => request.destroy())
  const pace = (bytes: number) => quotas.paceForward(address, bytes)
  try {
    const body = await bodyOf(request, share, quotas.limits.idleMsMax)
    if (body === null) refuse(request, response, { status: 413, code: "FRAME_TOO_LARGE" })
    else if (await isTaken(decodeSend(body), { peers: asked.peers, pace }))
      response.writeHead(204, headersFor(request)).end()
    else refuse(request, response, { status: 410, code: "SERVER_CLOSING" })
  } catch {
    // It was cut, is no send, or the store does not answer: the client connects again.
    refuse(request, response, { status: 400, code: "FRAME_MALFORMED" })
  } finally {
    share.leave()
  }
}

/** Null: it has too many bytes. Rejects when it ends before it is whole. */
async function bodyOf(request: IncomingMessage, share: IntakeShare, msMax: number): Promise<Uint8Array | null> {
  const timer = setTimeout(() => request.destroy(), msMax).unref()
  try {
    const chunks: Uint8Array[] = []
    let bytes = 0
    for await (const chunk of request) {
      chunks.push(chunk)
      bytes += chunk.length
      if (bytes > SEND_BODY_BYTES_MAX) return null
      share.hold(bytes)
    }
    return Buffer.concat(chunks)
  } finally {
    clearTimeout(timer)
  }
}

/** False: the stream is not there any more, or takes no more. @throws LOG_FAILED when the other server cannot be looked up */
async function isTaken(
  send: Send,
  { peers, pace }: { readonly peers: Peers | null; pace(bytes: number): Promise<void> },
): Promise<boolean> {
  const key = keyOf(send.key)
  if (key === null) return false
  const here = streams().get(key.id)
  if (here !== undefined) return isSecret(key.secret, here.secret) && (await here.receive(send))
  if (peers === null || key.server === peers.address) return false
  // Any client may name any stream, and the way to the other server is the database.
  await pace(send.bytes.length)
  const pipe = await peers.reachServer(key.server)
  return pipe !== null && (await forward(pipe, sealSend(key, send)))
}

function isSecret(said: string, secret: string): boolean {
  return said.length === secret.length && timingSafeEqual(Buffer.from(said), Buffer.from(secret))
}

/** A page of another origin that may connect reads the answers, and sends its cookies. */
function headersFor({ headers }: IncomingMessage): Record<string, string> {
  const { origin } = headers
  if (origin === undefined) return { "cache-control": "no-store" }
  return {
    "cache-control": "no-store",
    "access-control-allow-origin": origin,
    "access-control-allow-credentials": "true",
    vary: "origin",
  }
}

/** What is not read of the request ends with its connection. */
function refuse(request: IncomingMessage, response: ServerResponse, { status, code }: Refusal): void {
  if (response.headersSent || response.destroyed) return
  const body = code === undefined ? { message: STATUS_CODES[status] } : { code, message: ERROR_CODES[code] }
  const shared = code === "ORIGIN_REFUSED" ? {} : headersFor(request)
  const headers = { ...shared, "content-type": "application/json", connection: "close" }
  response.writeHead(status, headers).end(JSON.stringify(body))
}
