import { describe, expect, test } from "vitest"
import { encodeMessage } from "../network/codec.ts"
import { Link } from "../network/link.ts"
import type { Network, Pipe } from "../network/network.ts"
import { closesAtOnce } from "./faulty-pipes.ts"
import { helloOf } from "./hello.ts"

/** A network under test, with the server's ends of its connections. */
export interface NetworkContractWorld {
  readonly network: Network
  /** The far end of the next connection that is made. */
  accepted(): Promise<Pipe>
  /** Ends the world; afterwards `connect` rejects. */
  close(): Promise<void>
}

interface Received {
  readonly frames: number[][]
  readonly closed: Promise<string>
  /** Every end that was reported: more than one is a fault. */
  readonly ends: string[]
}

function listenTo(pipe: Pipe): Received {
  const frames: number[][] = []
  const ends: string[] = []
  const closed = new Promise<string>((resolve) => {
    pipe.listen({
      frame: (frame) => frames.push([...frame]),
      closed: (reason) => {
        ends.push(reason)
        resolve(reason)
      },
    })
  })
  return { frames, closed, ends }
}

const REFUSAL = encodeMessage({ type: "refuse", code: "FORBIDDEN", message: "authorize() refused" })

/**
 * What every network must do: frames whole and in order, either end closes, each end is reported once, nothing after the
 * close. A link over it reports why it ended, whether its pipe reports a close at once or later (T29).
 */
export function networkContract(name: string, make: () => Promise<NetworkContractWorld>): void {
  describe(`network contract: ${name}`, () => {
    async function connected() {
      const world = await make()
      const accepted = world.accepted()
      const near = await world.network.connect()
      const far = await accepted
      return { world, near, far, atNear: listenTo(near), atFar: listenTo(far) }
    }

    test("frames arrive whole, in order, both ways", async () => {
      const { world, near, far, atNear, atFar } = await connected()
      const large = new Uint8Array(300_000).fill(7)
      for (let i = 0; i < 50; i++) near.send(new Uint8Array([i]))
      near.send(large)
      far.send(new Uint8Array([1, 2]))
      far.send(new Uint8Array(0))
      await expect.poll(() => atFar.frames.length).toBe(51)
      expect(atFar.frames.slice(0, 50)).toEqual(Array.from({ length: 50 }, (_, i) => [i]))
      expect(atFar.frames[50]).toHaveLength(large.length)
      await expect.poll(() => atNear.frames).toEqual([[1, 2], []])
      await world.close()
    })

    test("a frame that was sent may be written over by its sender", async () => {
      const { world, near, atFar } = await connected()
      const frame = new Uint8Array([1, 2, 3])
      near.send(frame)
      frame.fill(9)
      await expect.poll(() => atFar.frames).toEqual([[1, 2, 3]])
      await world.close()
    })

    test("either end closes, and both get the reason", async () => {
      const first = await connected()
      first.near.close("done here")
      await Promise.all([first.atNear.closed, first.atFar.closed])
      first.near.send(new Uint8Array([1]))
      await first.world.close()
      const second = await connected()
      second.far.close("done there")
      await Promise.all([second.atNear.closed, second.atFar.closed])
      expect(second.atFar.frames).toEqual([])
      await second.world.close()
    })

    test("an end is reported once, however often and from wherever it is closed (T29, T46)", async () => {
      const { world, near, far, atNear, atFar } = await connected()
      near.close("first")
      near.close("second")
      far.close("third")
      await Promise.all([atNear.closed, atFar.closed])
      // Time for a second report to arrive: as long as a whole connection takes.
      const later = await connected()
      later.near.send(new Uint8Array([1]))
      await expect.poll(() => later.atFar.frames.length).toBe(1)
      await later.world.close()
      expect([atNear.ends.length, atFar.ends.length]).toEqual([1, 1])
      await world.close()
    })

    for (const [kind, wrap] of [
      ["as it is", (pipe: Pipe) => pipe],
      ["reporting its close at once", closesAtOnce],
    ] as const) {
      test(`a refusal reaches the client with its code over a pipe ${kind} (T29)`, async () => {
        const world = await make()
        const accepted = world.accepted()
        const link = new Link(wrap(await world.network.connect()), () => {})
        const far = await accepted
        far.listen({
          frame() {
            far.send(REFUSAL)
            far.close("FORBIDDEN")
          },
          closed() {},
        })
        await expect(link.hello(helloOf())).rejects.toMatchObject({ code: "FORBIDDEN" })
        expect(await link.closed).toMatchObject({ code: "FORBIDDEN" })
        await world.close()
      })

      test(`a frame that is no message ends the link as such over a pipe ${kind} (T29)`, async () => {
        const world = await make()
        const accepted = world.accepted()
        const link = new Link(wrap(await world.network.connect()), () => {})
        const far = await accepted
        far.listen({ frame() {}, closed() {} })
        far.send(new Uint8Array([255, 255]))
        expect(await link.closed).toMatchObject({ code: "FRAME_MALFORMED" })
        await world.close()
      })
    }

    test("connect rejects without a server", async () => {
      const world = await make()
      await world.close()
      await expect(world.network.connect()).rejects.toThrow()
    })
  })
}
