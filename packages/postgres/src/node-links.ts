import { randomUUID } from "node:crypto"
import type { Pipe, PipeListener } from "@lf/core/internal"
import { MAIL, type Mail, unpackFrames } from "./mail-pieces.ts"

/** Sends one piece of mail. */
export type Send = (mail: Mail) => void

/** The pipes of one node to other nodes: each is a link whose frames are mail. */
export class NodeLinks {
  readonly #send: Send
  readonly #accept: (document: string | null, pipe: Pipe) => void
  readonly #links = new Map<string, LinkPipe>()

  /** `accept` is called with the document that another node asks for; null: for the node itself. */
  constructor(send: Send, accept: (document: string | null, pipe: Pipe) => void) {
    this.#send = send
    this.#accept = accept
  }

  /** The nodes at the other ends. */
  get nodes(): string[] {
    return [...new Set(Array.from(this.#links.values(), ({ node }) => node))]
  }

  /** A pipe to the owner of a document. A node that does not have it closes the pipe. */
  open(node: string, document: string): Pipe {
    const link = randomUUID()
    this.#send({ node, link, kind: MAIL.open, body: Buffer.from(document) })
    return this.#add(node, link)
  }

  openServer(node: string): Pipe {
    const link = randomUUID()
    this.#send({ node, link, kind: MAIL.openServer, body: new Uint8Array(0) })
    return this.#add(node, link)
  }

  arrived(mail: readonly Mail[]): void {
    for (const { node, link, kind, body } of mail) {
      const known = this.#links.get(link)
      if (kind === MAIL.open) this.#accept(Buffer.from(body).toString(), this.#add(node, link))
      else if (kind === MAIL.openServer) this.#accept(null, this.#add(node, link))
      else if (kind === MAIL.trailer) continue
      else if (kind === MAIL.close) {
        this.#links.delete(link)
        known?.end(Buffer.from(body).toString())
      } else if (known === undefined) this.#sendClose(node, link, "there is no such link")
      else {
        for (const frame of kind === MAIL.frames ? unpackFrames(body) : [body]) {
          // A plain array: a Buffer's `slice` is no copy.
          known.deliver((listener) => listener.frame(new Uint8Array(frame.buffer, frame.byteOffset, frame.byteLength)))
        }
      }
    }
  }

  /** Closes the links to these nodes, or all of them; the others get `closed` too, if they are there. */
  close(reason: string, nodes?: ReadonlySet<string>): void {
    for (const [link, pipe] of [...this.#links]) {
      if (nodes !== undefined && !nodes.has(pipe.node)) continue
      this.#links.delete(link)
      this.#sendClose(pipe.node, link, reason)
      pipe.end(reason)
    }
  }

  #add(node: string, link: string): LinkPipe {
    const pipe = new LinkPipe(node, {
      send: (frame) => {
        if (this.#links.get(link) === pipe) this.#send({ node, link, kind: MAIL.frame, body: frame })
      },
      close: (reason) => {
        if (this.#links.get(link) !== pipe) return
        this.#links.delete(link)
        this.#sendClose(node, link, reason)
        pipe.end(reason)
      },
    })
    this.#links.set(link, pipe)
    return pipe
  }

  #sendClose(node: string, link: string, reason: string): void {
    this.#send({ node, link, kind: MAIL.close, body: Buffer.from(reason) })
  }
}

class LinkPipe implements Pipe {
  readonly node: string
  readonly send: Pipe["send"]
  readonly close: Pipe["close"]
  readonly #early: ((listener: PipeListener) => void)[] = []
  #listener: PipeListener | null = null
  #isOver = false

  constructor(node: string, { send, close }: Pick<Pipe, "send" | "close">) {
    this.node = node
    this.send = send
    this.close = close
  }

  listen(listener: PipeListener): void {
    this.#listener = listener
    for (const event of this.#early.splice(0)) event(listener)
  }

  deliver(event: (listener: PipeListener) => void): void {
    if (this.#listener === null) this.#early.push(event)
    else event(this.#listener)
  }

  /** Reported once, after what is under way in this turn. */
  end(reason: string): void {
    if (this.#isOver) return
    this.#isOver = true
    queueMicrotask(() => this.deliver((listener) => listener.closed(reason)))
  }
}
