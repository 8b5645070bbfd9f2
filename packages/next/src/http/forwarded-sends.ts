import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto"
import type { Pipe, Send } from "@lf/core/internal"

const ID_BYTES = 16
const SECRET_BYTES = 32
const IV_BYTES = 12
const TAG_BYTES = 16
const NUMBER_BYTES = 8
const CIPHER = "aes-256-gcm"

/**
 * An event stream, as its client names it in a send: the server that holds it, which of its streams it is, and a secret that no
 * third one has. What another server got for it is sealed with that secret: a hello holds a token, and the way between servers
 * is a table (decision 47).
 */
export interface StreamKey {
  readonly server: string
  readonly id: string
  readonly secret: string
}

/** A key of a new stream. */
export function newStreamKey(server: string): StreamKey {
  return {
    server,
    id: randomBytes(ID_BYTES).toString("base64url"),
    secret: randomBytes(SECRET_BYTES).toString("base64url"),
  }
}

export function keyText({ server, id, secret }: StreamKey): string {
  return [server, id, secret].join(".")
}

/** Null: it is no key. */
export function keyOf(text: string): StreamKey | null {
  const [server, id, secret, ...more] = text.split(".")
  const isKey = more.length === 0 && byteCount(id) === ID_BYTES && byteCount(secret) === SECRET_BYTES
  return isKey ? { server, id, secret } : null
}

function byteCount(text: string | undefined): number {
  return text === undefined ? -1 : Buffer.from(text, "base64url").length
}

/** A send for another server: the stream's id in clear, the rest for who has its secret. */
export function sealSend({ id, secret }: StreamKey, { number, bytes }: Omit<Send, "key">): Uint8Array {
  const head = Buffer.from(id, "base64url")
  const iv = randomBytes(IV_BYTES)
  const cipher = createCipheriv(CIPHER, Buffer.from(secret, "base64url"), iv).setAAD(head)
  const numbered = Buffer.alloc(NUMBER_BYTES)
  numbered.writeDoubleBE(number)
  const sealed = [cipher.update(numbered), cipher.update(bytes), cipher.final()]
  return Buffer.concat([head, iv, cipher.getAuthTag(), ...sealed])
}

/** Null: it is for no stream here, or of someone without its secret. */
export function openSend(
  sealed: Uint8Array,
  secretOf: (id: string) => string | undefined,
): (Omit<Send, "key"> & { readonly id: string }) | null {
  const head = Buffer.from(sealed.subarray(0, ID_BYTES))
  const id = head.toString("base64url")
  const secret = secretOf(id)
  if (secret === undefined || sealed.length < ID_BYTES + IV_BYTES + TAG_BYTES + NUMBER_BYTES) return null
  const iv = sealed.subarray(ID_BYTES, ID_BYTES + IV_BYTES)
  const tag = sealed.subarray(ID_BYTES + IV_BYTES, ID_BYTES + IV_BYTES + TAG_BYTES)
  const decipher = createDecipheriv(CIPHER, Buffer.from(secret, "base64url"), iv).setAAD(head).setAuthTag(tag)
  const opened = decipher.update(sealed.subarray(ID_BYTES + IV_BYTES + TAG_BYTES))
  try {
    decipher.final()
  } catch {
    return null
  }
  // A plain array: a Buffer's `slice` is no copy.
  const bytes = new Uint8Array(opened.buffer, opened.byteOffset + NUMBER_BYTES, opened.length - NUMBER_BYTES)
  return { id, number: opened.readDoubleBE(), bytes }
}

/** Sends it to the server that holds the stream. False: it has no such stream, or is gone. */
export function forward(pipe: Pipe, sealed: Uint8Array): Promise<boolean> {
  return new Promise((resolve) => {
    pipe.listen({
      frame: (answer) => {
        resolve(answer[0] === 1)
        pipe.close("answered")
      },
      closed: () => resolve(false),
    })
    pipe.send(sealed)
  })
}

/** Takes what another server forwards. */
export function takeForwarded(pipe: Pipe, take: (sealed: Uint8Array) => Promise<boolean>): void {
  pipe.listen({
    frame: (sealed) =>
      void take(sealed)
        .catch(() => false)
        .then((isTaken) => pipe.send(Uint8Array.of(isTaken ? 1 : 0))),
    closed() {},
  })
}
