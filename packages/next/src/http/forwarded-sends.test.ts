import { memoryPipe } from "@lf/core/internal"
import { describe, expect, test } from "vitest"
import { forward, keyOf, keyText, newStreamKey, openSend, sealSend, takeForwarded } from "./forwarded-sends.ts"

const key = newStreamKey("server")
const send = { number: 7, bytes: Uint8Array.from({ length: 1_000 }, (_, i) => i % 256) }
const ours = (id: string) => (id === key.id ? key.secret : undefined)

describe("a stream's key", () => {
  test("is read as it was written, and nothing else is one", () => {
    expect(keyOf(keyText(key))).toEqual(key)
    expect(keyOf(keyText(newStreamKey("")))).toMatchObject({ server: "" })
    for (const text of ["", "a.b.c", `${keyText(key)}.x`, [key.server, key.id].join("."), keyText({ ...key, id: "x" })])
      expect(keyOf(text)).toBeNull()
  })

  test("no two are alike", () => {
    expect(newStreamKey("server")).not.toEqual(key)
  })
})

describe("what goes through another server (S23)", () => {
  test("is opened by the server with the secret as it was sealed", () => {
    expect(openSend(sealSend(key, send), ours)).toEqual({ ...send, id: key.id })
    const largest = { number: Number.MAX_SAFE_INTEGER, bytes: new Uint8Array(0) }
    expect(openSend(sealSend(key, largest), ours)).toEqual({ ...largest, id: key.id })
  })

  test("shows nothing of it, nor of its secret", () => {
    const token = Buffer.from("a token of the user")
    const sealed = Buffer.from(sealSend(key, { number: 0, bytes: token }))
    expect(sealed.includes(token)).toBe(false)
    expect(sealed.includes(Buffer.from(key.secret, "base64url"))).toBe(false)
  })

  test("with any byte changed, cut, or of another secret it is no send", () => {
    const sealed = sealSend(key, send)
    for (let at = 0; at < sealed.length; at += 7) {
      const changed = sealed.slice()
      changed[at] ^= 1
      expect(openSend(changed, ours)).toBeNull()
      expect(openSend(sealed.subarray(0, at), ours)).toBeNull()
    }
    expect(openSend(sealSend({ ...key, secret: newStreamKey("").secret }, send), ours)).toBeNull()
  })

  test("is answered by whether it was taken; a server that is gone takes nothing", async () => {
    for (const isTaken of [true, false]) {
      const [near, far] = memoryPipe()
      const taken: number[] = []
      takeForwarded(far, async (sealed) => {
        taken.push(sealed.length)
        return isTaken
      })
      expect(await forward(near, Uint8Array.of(1, 2, 3))).toBe(isTaken)
      expect(taken).toEqual([3])
    }
    const [failing, there] = memoryPipe()
    takeForwarded(there, () => Promise.reject(new Error("the stream is broken")))
    expect(await forward(failing, Uint8Array.of(1))).toBe(false)
    const [near, far] = memoryPipe()
    far.listen({ frame: () => far.close("gone"), closed() {} })
    expect(await forward(near, Uint8Array.of(1))).toBe(false)
  })
})
