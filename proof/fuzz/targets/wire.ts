import {
  type Chunk,
  type ClientMessage,
  type ConnectableDocument,
  type ConnectedClient,
  changesetCodec,
  concatBytes,
  decodeMessage,
  deflate,
  ERROR_CODES,
  encodeMessage,
  type Host,
  helloOf,
  isLfError,
  Link,
  lsn,
  type Message,
  mutationCodec,
  PAGE_BYTES,
  type Pages,
  type Pipe,
  type PipeListener,
  PROTOCOL_VERSION,
  PresenceBoard,
  pagesChecksum,
  type ServedClient,
  type ServerMessage,
  Storage,
  serve,
  type WholeBase,
} from "@lf/core/testing"
import fc from "fast-check"
import { chunk, Tape } from "../tape.ts"
import { about, checkStable, checkValue, Fault, type Target } from "../target.ts"
import { changeset, checkOrder, checkReceive, PAGES } from "./pages.ts"
import { mutation, plainValue } from "./plain.ts"

const position = fc.oneof(fc.nat(200), fc.maxSafeNat()).map(lsn)
const hash = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })
const hex = fc.string({ minLength: 0, maxLength: 32, unit: fc.constantFrom(..."0123456789abcdef") })
const schema = fc.array(hex, { maxLength: 3 })
const entries = fc.array(mutation.map(mutationCodec.encode), { maxLength: 3 })
const outcome = fc.record({ lsn: position, uid: fc.uuid(), code: hex, data: plainValue })
const is = fc.constant

const hello = fc.record({
  type: is("hello" as const),
  protocol: fc.constantFrom(1, 1, 1, 2),
  docId: fc.stringMatching(/^[A-Za-z0-9_-]{1,12}$/),
  secret: fc.uint8Array({ minLength: 32, maxLength: 32 }),
  epoch: hex,
  cursor: position,
  schema,
  token: hex,
})

const presence = fc.uint8Array({ maxLength: 40 })

const clientMessage: fc.Arbitrary<ClientMessage> = fc.oneof(
  hello,
  fc.record({
    type: is("sync-mutations" as const),
    batch: fc.record({ from: position, previousHash: hash, entries }),
    confirmed: position,
  }),
  fc.record({
    type: is("sync-storage" as const),
    cursor: position,
    outcomesSeen: position,
    resumeLsn: position,
    resumePages: fc.nat(262_144),
  }),
  fc.record({ type: is("presence" as const), tab: hex, value: presence }),
  fc.record({ type: is("watch-presences" as const), version: fc.maxSafeNat() }),
  fc.constantFrom<ClientMessage>({ type: "next-part" }, { type: "ping" }),
)

const pages = fc.record({
  type: is("pages" as const),
  from: position,
  to: position,
  isLast: fc.boolean(),
  bytesTotal: fc.maxSafeNat(),
  changeset,
  outcomes: fc.array(outcome, { maxLength: 2 }),
})

const filled = PAGES.slice(0, 2)

/** A part of a base of those pages, or of another; deflated or as it is. */
const chunkPart = fc
  .record({
    type: is("chunk" as const),
    from: position,
    to: position,
    pageCount: fc.constantFrom(filled.length, filled.length, 1, 262_144),
    other: fc.option(hash),
    isLast: fc.boolean(),
    bytesTotal: fc.maxSafeNat(),
    pageNo: fc.integer({ min: 1, max: 2 }),
    isDeflated: fc.boolean(),
    outcomes: fc.array(outcome, { maxLength: 2 }),
  })
  .map(({ isDeflated, other, ...fields }): Chunk => {
    const part = { ...fields, checksum: other ?? pagesChecksum(filled) }
    const { pageCount, pageNo } = part
    if (pageNo > pageCount) return { ...part, pageNo: 0, count: 0, block: new Uint8Array(0) }
    const page = PAGES[pageNo - 1]
    const deflated = deflate(page)
    return { ...part, count: 1, block: isDeflated && deflated.length < page.length ? deflated : page }
  })

const serverMessage: fc.Arbitrary<ServerMessage> = fc.oneof(
  fc.record({
    type: is("presences" as const),
    version: fc.maxSafeNat(),
    isAll: fc.boolean(),
    changed: fc.array(fc.record({ id: hex, user: fc.option(hex), value: presence }), { maxLength: 3 }),
    gone: fc.array(hex, { maxLength: 3 }),
  }),
  fc.record({
    type: is("welcome" as const),
    epoch: hex,
    clientLsn: position,
    clientHash: hash,
    checksum: hash,
    lsn: position,
    schema,
    user: fc.option(hex),
  }),
  fc.record({ type: is("cursor" as const), lsn: position }),
  fc.record({ type: is("gap" as const), expected: position }),
  fc.record({ type: is("fork" as const), common: position }),
  fc.record({
    type: is("refused" as const),
    common: position,
    ranges: fc.constantFrom([], [{ from: lsn(0), to: lsn(3), code: "MUTATION_FORBIDDEN" }]),
  }),
  pages,
  chunkPart,
  fc.record({ type: is("refuse" as const), code: fc.constantFrom("FORBIDDEN", "x"), message: hex }),
  fc.constantFrom<ServerMessage>({ type: "pong" }),
)

const messageCodec = { encode: encodeMessage, decode: decodeMessage }

function frameTarget(name: string, valid: fc.Arbitrary<Message>): Target {
  return {
    name,
    codes: ["FRAME_MALFORMED"],
    valid: valid.map(encodeMessage),
    run(input) {
      const message = decodeMessage(input)
      checkValue(message, input)
      checkStable(messageCodec, message)
      return `${message.type}${message.type === "pages" ? about(message.changeset.pages.length) : ""}`
    },
  }
}

/** A pipe whose other end is this proof. */
class Wire implements Pipe {
  readonly sent: Uint8Array[] = []
  closedBy: string | null = null
  #listener: PipeListener | null = null

  listen(listener: PipeListener): void {
    this.#listener = listener
  }

  send(frame: Uint8Array): void {
    if (this.closedBy === null) this.sent.push(frame)
  }

  close(reason: string): void {
    if (this.closedBy !== null) return
    this.closedBy = reason
    this.#listener?.closed(reason)
  }

  receive(frame: Uint8Array): void {
    if (this.closedBy === null) this.#listener?.frame(frame)
  }
}

const stillHost: Host = {
  nowMs: () => 0,
  monotonicMs: () => 0,
  randomBytes: (count) => new Uint8Array(count),
  after: () => () => {},
}

/** Frames as a tape holds them: what one side says, all of it at once. */
const conversation = (message: fc.Arbitrary<Message>) =>
  fc.array(message.map(encodeMessage).map(chunk), { minLength: 1, maxLength: 4 }).map(concatBytes)

const settled = () => new Promise<void>((resolve) => setImmediate(resolve))

/** A server's connection handling up to the document's loop: a wrong frame is refused with a code. */
const serverTarget: Target = {
  name: "server-door",
  codes: [],
  valid: fc.tuple(hello, conversation(clientMessage)).map(([first, rest]) => {
    const greeting = encodeMessage({ ...first, protocol: PROTOCOL_VERSION })
    return concatBytes([chunk(greeting), rest])
  }),
  async run(input) {
    const wire = new Wire()
    const taken: string[] = []
    const answer = () => wire.send(encodeMessage({ type: "pong" }))
    const seat = { clientId: "a", user: null, send: answer } as unknown as ConnectedClient // all that the board uses
    const board = new PresenceBoard(stillHost)
    const client: ServedClient = {
      get isServed() {
        return wire.closedBy === null
      },
      request: ({ type }) => void taken.push(type),
      sendPart: () => void answer(),
      setPresence: (message) => board.set(seat, message),
      watchPresences: ({ version }) => board.watch(seat, version),
      leave: () => board.leave(seat),
    }
    const remote: ConnectableDocument = { connect: () => client, isMutation: (name) => name.length > 0 }
    serve(wire, stillHost, remote, { mayWrite: (name) => name.length > 1 })
    const tape = new Tape(input)
    while (!tape.isOver) wire.receive(tape.chunk())
    await settled()
    for (const frame of wire.sent) {
      const message = decodeMessage(frame)
      if (message.type === "refuse" && !(message.code in ERROR_CODES)) throw new Fault(`refused with ${message.code}`)
    }
    const last = wire.sent.at(-1)
    if (wire.closedBy !== null && (last === undefined || decodeMessage(last).type !== "refuse"))
      throw new Fault("closed without saying why (S15)")
    return `${taken.join(" ")} ${wire.closedBy}`
  },
}

/** A client's end: whatever the server says, a refusal keeps its code, and pages that it takes are whole and can be kept. */
const linkTarget: Target = {
  name: "client-link",
  codes: ["FRAME_MALFORMED", "BYTES_MALFORMED", "CHECKSUM_MISMATCH", "SERVER_CLOSING"],
  valid: fc.oneof(
    conversation(serverMessage),
    fc.tuple(pages, fc.boolean(), fc.nat(9)).map(inParts),
    fc.tuple(chunkPart, fc.boolean(), fc.boolean()).map(inChunks),
  ),
  async run(input) {
    const wire = new Wire()
    const link = new Link(wire, () => {})
    const welcome = link.hello(helloOf()).catch((error: unknown) => error)
    const asked = link.syncStorage({
      type: "sync-storage",
      cursor: lsn(0),
      outcomesSeen: lsn(0),
      resumeLsn: lsn(0),
      resumePages: 0,
    })
    const batch = asked.catch((error: unknown) => error)
    const reply = link
      .syncMutations({ type: "sync-mutations", batch: NO_BATCH, confirmed: lsn(0) })
      .catch((error: unknown) => error)
    const tape = new Tape(input)
    let refusal: string | null = null
    while (!tape.isOver) {
      const frame = tape.chunk()
      if (link.isOpen) refusal = refusalIn(frame)
      wire.receive(frame)
    }
    // Chunks are inflated after their frames.
    await settled()
    link.close("over")
    for (const answer of await Promise.all([welcome, reply])) {
      if (answer instanceof Error && !isLfError(answer)) throw answer
    }
    const closed = await link.closed
    if (refusal !== null && closed.code !== refusal)
      throw new Fault(`refused with ${refusal}, received ${closed.code} (T29)`)
    const answered = await batch
    if (refusal !== null && answered === closed) return "refused"
    if (answered instanceof Error) throw answered
    const received = await asked
    if (received.type === "base") return checkBase(received.base)
    const { changeset: changes } = received
    checkOrder(changes)
    checkStable(changesetCodec, changes)
    checkReceive(changes)
    return `pages ${about(changes.pages.length)}`
  },
}

/** A base that a link takes is pages of their size; put under other ones it is all or nothing, and adds up (I5). */
function checkBase(base: WholeBase): string {
  const storage = new Storage(PAGES)
  const { checksum } = storage
  try {
    storage.replaceBase(base)
  } catch (error) {
    if (storage.checksum !== checksum || storage.basePageCount !== PAGES.length)
      throw new Fault("a refused base left something behind")
    throw error
  }
  const now = [...storage.snapshot()]
  if (now.some(({ length }) => length !== PAGE_BYTES)) throw new Fault("a page has another size")
  if (now.length !== base.pageCount || pagesChecksum(now) !== base.checksum)
    throw new Fault("the base received is not what its server said")
  return `base ${about(now.length)}`
}

/** The code of a refusal, which may be one that only a newer server knows. */
function refusalIn(frame: Uint8Array): string | null {
  try {
    const message = decodeMessage(frame.slice())
    return message.type === "refuse" ? message.code : null
  } catch {
    return null
  }
}

/** A page batch as a server sends it, here a part for every page; or with a part twice or in the wrong place. */
function inParts([batch, isWrong, again]: readonly [Pages, boolean, number]): Uint8Array {
  const { changeset: whole } = batch
  const pages = [...whole.pages]
  if (isWrong && pages.length > 0) pages.push(pages[again % pages.length])
  const parts = pages.map((page, i) => ({
    ...batch,
    isLast: i === pages.length - 1,
    changeset: { ...whole, pages: [page] },
  }))
  const frames = parts.length === 0 ? [{ ...batch, isLast: true }] : parts
  return concatBytes(frames.map(encodeMessage).map(chunk))
}

/** A base as a server sends it, a part for each page, and what comes of it with one more part or a wrong checksum. */
function inChunks([part, isTwice, isWrong]: readonly [Chunk, boolean, boolean]): Uint8Array {
  const checksum = pagesChecksum(filled) ^ (isWrong ? 1n : 0n)
  const whole = { ...part, from: lsn(0), pageCount: filled.length, checksum }
  const parts = filled.map((page, i) => {
    const deflated = deflate(page)
    const block = deflated.length < page.length ? deflated : page
    return { ...whole, pageNo: i + 1, count: 1, block, isLast: i === filled.length - 1 }
  })
  return concatBytes((isTwice ? [parts[0], ...parts] : parts).map(encodeMessage).map(chunk))
}

const NO_BATCH = { from: lsn(0), previousHash: 0n, entries: [] }

export const wireTargets = [
  frameTarget("frame-of-client", clientMessage),
  frameTarget("frame-of-server", serverMessage),
  serverTarget,
  linkTarget,
]
