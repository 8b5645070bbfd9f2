import fc from "fast-check"
import { expect, test } from "vitest"
import { FrameMeter } from "./frame-meter.ts"

interface Frame {
  readonly opcode: number
  readonly isLast: boolean
  readonly length: number
  readonly isMasked: boolean
}

function bytesOf({ opcode, isLast, length, isMasked }: Frame): number[] {
  const first = opcode | (isLast ? 0x80 : 0)
  const mask = isMasked ? 0x80 : 0
  const head =
    length < 126
      ? [mask | length]
      : length < 65_536
        ? [mask | 126, length >> 8, length & 255]
        : [mask | 127, 0, 0, 0, 0, 0, length >> 16, (length >> 8) & 255, length & 255]
  return [first, ...head, ...(isMasked ? [1, 2, 3, 4] : []), ...new Array<number>(length).fill(0xff)]
}

const binary = (length: number, isLast = true): Frame => ({ opcode: 2, isLast, length, isMasked: true })

test("an unfinished message counts with its head, a whole one does not (S7)", () => {
  const meter = new FrameMeter()
  meter.take(Uint8Array.from(bytesOf(binary(10))))
  expect([meter.messageBytes, meter.heldBytes]).toEqual([0, 0])
  const half = Uint8Array.from(bytesOf(binary(70_000))).subarray(0, 60_000)
  meter.take(half)
  expect(meter.messageBytes).toBe(60_000)
  expect(meter.heldBytes).toBe(60_256)
})

test("bytes that come one by one count with what holds each of them (S7)", () => {
  const meter = new FrameMeter()
  for (const byte of bytesOf(binary(1_000)).slice(0, 500)) meter.take(Uint8Array.of(byte))
  expect(meter.messageBytes).toBe(500)
  expect(meter.heldBytes).toBe(500 + 500 * 256)
})

test("however frames are split, the unfinished bytes are those since the last whole message", () => {
  const data = fc.record({
    opcode: fc.constantFrom(0, 1, 2),
    isLast: fc.boolean(),
    length: fc.oneof(fc.nat(300), fc.constantFrom(0, 125, 126, 65_535, 65_536)),
    isMasked: fc.boolean(),
  })
  const control = fc.record({
    opcode: fc.constantFrom(8, 9, 10),
    isLast: fc.constant(true),
    length: fc.nat(125),
    isMasked: fc.boolean(),
  })
  const frames = fc.array(fc.oneof(data, control), { maxLength: 8 })
  fc.assert(
    fc.property(frames, fc.array(fc.integer({ min: 1, max: 70_000 }), { minLength: 1, maxLength: 40 }), (all, cuts) => {
      const meter = new FrameMeter()
      let unfinished = 0
      for (const frame of all) {
        const bytes = Uint8Array.from(bytesOf(frame))
        for (let at = 0, i = 0; at < bytes.length; at += cuts[i++ % cuts.length]) {
          meter.take(bytes.subarray(at, at + cuts[i % cuts.length]))
        }
        if (frame.opcode < 8) unfinished = frame.isLast ? 0 : unfinished + bytes.length
        expect(meter.messageBytes).toBe(unfinished)
      }
    }),
    { numRuns: 200 },
  )
})
