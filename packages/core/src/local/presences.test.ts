import { beforeAll, describe, expect, test } from "vitest"
import { loadChecksum } from "../base/checksum.ts"
import { LfError } from "../base/error.ts"
import type { Link } from "../network/link.ts"
import { PRESENCE_BYTES_MAX, type Presences as Sent } from "../network/message.ts"
import { SeededRandom } from "../testing/seeded-random.ts"
import { SimClock, SimHost } from "../testing/sim-host.ts"
import { turn } from "../testing/sim-node.ts"
import { bytesToPresence, Presences, presenceToBytes } from "./presences.ts"

beforeAll(loadChecksum)

function setUp() {
  const clock = new SimClock()
  const presences = new Presences(new SimHost(clock, new SeededRandom(1)))
  const sent: string[] = []
  const asked: number[] = []
  let answer: (news: Sent) => void = () => {}
  let end: (error: LfError) => void = () => {}
  const ends: ((error: LfError) => void)[] = []
  const link = () => {
    let isOpen = true
    const closed = new Promise<LfError>((resolve) => {
      end = (error) => {
        isOpen = false
        resolve(error)
      }
      ends.push(end)
    })
    return {
      get isOpen() {
        return isOpen
      },
      closed,
      sendPresence: (tab: string, value: Uint8Array) => void sent.push(`${tab} ${value.join()}`),
      watchPresences: (version: number) => {
        asked.push(version)
        return new Promise<Sent>((resolve, reject) => {
          answer = resolve
          void closed.then(reject)
        })
      },
    } as unknown as Link // all that presences use
  }
  const say = async (version: number, isAll: boolean, ids: readonly string[], gone: readonly string[] = []) => {
    const changed = ids.map((id) => ({ id, user: null, value: presenceToBytes(id) }))
    answer({ type: "presences", version, isAll, changed, gone })
    await turn()
  }
  const pass = (ms: number) => {
    const endMs = clock.nowMs + ms
    while (clock.nextAtMs <= endMs) clock.runNext()
    clock.nowMs = endMs
  }
  return { pass, presences, sent, asked, link, say, end: (error: LfError) => end(error), ends }
}

const bytes = (...values: number[]) => Uint8Array.from(values)

describe("presences of a device", () => {
  test("are sent 50 ms after a change, the last of each tab, and again on each connection", async () => {
    const { presences, pass, sent, link, end } = setUp()
    presences.set("t", bytes(1))
    void presences.run(link())
    expect(sent).toEqual(["t 1"])
    presences.set("t", bytes(1))
    presences.set("t", bytes(2))
    presences.set("u", bytes(3))
    presences.set("u", null)
    presences.set("never", null)
    pass(50)
    expect(sent).toEqual(["t 1", "t 2", "u "])
    end(new LfError("SERVER_CLOSING", "gone"))
    await turn()
    presences.set("t", bytes(4))
    pass(50)
    expect(sent).toHaveLength(3)
    void presences.run(link())
    expect(sent).toEqual(["t 1", "t 2", "u ", "t 4"])
  })

  test("of a connection that was replaced change nothing when it ends", async () => {
    const { presences, asked, link, say, ends } = setUp()
    const seen: unknown[] = []
    presences.watch(({ isAll, changed }) => seen.push([isAll, changed.map(({ id }) => id)]))
    void presences.run(link())
    await turn()
    void presences.run(link())
    await turn()
    await say(7, true, ["a/t"])
    ends[0](new LfError("SERVER_CLOSING", "the first one"))
    await turn()
    expect([asked.slice(0, 2), seen.at(-1)]).toEqual([
      [0, 0],
      [true, ["a/t"]],
    ])
  })

  test("of others are asked for only while they are watched, and are gone with the connection", async () => {
    const { presences, asked, link, say, end } = setUp()
    void presences.run(link())
    await turn()
    expect(asked).toEqual([])
    const seen: unknown[] = []
    const stop = presences.watch(({ isAll, changed, gone }) => seen.push([isAll, changed.map(({ id }) => id), gone]))
    await turn()
    expect([seen, asked]).toEqual([[[true, [], []]], [0]])
    await say(7, true, ["a/t", "b/t"])
    await say(8, false, ["c/t"], ["a/t"])
    expect(asked).toEqual([0, 7, 8])
    expect(seen.slice(1)).toEqual([
      [true, ["a/t", "b/t"], []],
      [false, ["c/t"], ["a/t"]],
    ])
    const late: unknown[] = []
    presences.watch(({ changed }) => late.push(changed.map(({ id }) => id)))
    expect(late).toEqual([["b/t", "c/t"]])
    end(new LfError("SERVER_CLOSING", "gone"))
    await turn()
    expect([seen.at(-1), late.at(-1)]).toEqual([[true, [], []], []])
    stop()
    void presences.run(link())
    await turn()
    expect(asked).toEqual([0, 7, 8, 0])
  })

  test(`are plain data of at most ${PRESENCE_BYTES_MAX} bytes; what cannot be read is left out (S9)`, () => {
    const value = { name: "ann", at: new Date(0), row: 7n }
    expect(bytesToPresence(presenceToBytes(value))).toEqual(value)
    for (const bad of [() => {}, new Map(), "x".repeat(PRESENCE_BYTES_MAX)])
      expect(() => presenceToBytes(bad)).toThrow(expect.objectContaining({ code: "PRESENCE_INVALID" }))
    for (const hostile of [bytes(), bytes(99), bytes(0, 0)]) expect(bytesToPresence(hostile)).toBe(undefined)
  })
})
