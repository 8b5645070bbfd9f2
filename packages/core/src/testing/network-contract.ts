import { describe, expect, test } from "vitest"
import type { Network, Pipe } from "../network/network.ts"

/** A network under test, with the server's ends of its connections. */
export interface NetworkContractWorld {
  readonly network: Network
  /** The far end of the next connection that is made. */
  accepted(): Promise<Pipe>
  /** Ends the world; afterwards `connect` rejects. */
  close(): Promise<void>
}

interface Heard {
  readonly frames: number[][]
  readonly closed: Promise<string>
}

function hear(pipe: Pipe): Heard {
  const frames: number[][] = []
  const closed = new Promise<string>((resolve) => {
    pipe.listen({ frame: (frame) => frames.push([...frame]), closed: resolve })
  })
  return { frames, closed }
}

/** What every network must do: frames whole and in order, either end closes, nothing after the close. */
export function networkContract(name: string, make: () => Promise<NetworkContractWorld>): void {
  describe(`network contract: ${name}`, () => {
    async function connected() {
      const world = await make()
      const accepted = world.accepted()
      const near = await world.network.connect()
      const far = await accepted
      return { world, near, far, atNear: hear(near), atFar: hear(far) }
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

    test("either end closes, and both are told", async () => {
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

    test("without a way connect rejects", async () => {
      const world = await make()
      await world.close()
      await expect(world.network.connect()).rejects.toThrow()
    })
  })
}
