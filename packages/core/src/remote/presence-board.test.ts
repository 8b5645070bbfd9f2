import { describe, expect, test } from "vitest"
import { decodeMessage } from "../network/codec.ts"
import { memoryPipe } from "../network/memory-network.ts"
import { PRESENCE_BYTES_MAX, PRESENCES_MAX, type Presences } from "../network/message.ts"
import { SeededRandom } from "../testing/seeded-random.ts"
import { SimClock, SimHost } from "../testing/sim-host.ts"
import { ConnectedClient } from "./connected-client.ts"
import { CLIENT_PRESENCES_MAX, PRESENCES_BYTES_MAX, PresenceBoard } from "./presence-board.ts"

function setUp() {
  const clock = new SimClock()
  const board = new PresenceBoard(new SimHost(clock, new SeededRandom(1)))
  const connect = (clientId: string, user: string | null = null) => {
    const received: Presences[] = []
    const pipe = {
      ...memoryPipe()[0],
      send: (frame: Uint8Array) => void received.push(decodeMessage(frame) as Presences),
    }
    const client = new ConnectedClient({ pipe, clientId, rights: { user }, hasOurEpoch: true })
    return {
      client,
      received,
      show: (tab: string, ...value: number[]) =>
        board.set(client, { type: "presence", tab, value: Uint8Array.from(value) }),
      watch: (version = 0) => board.watch(client, version),
      get last() {
        const { changed, gone, isAll } = received[received.length - 1]
        return { isAll, changed: changed.map(({ id, user, value }) => `${id} ${user} ${value.join()}`), gone }
      },
      get version() {
        return received[received.length - 1].version
      },
    }
  }
  const pass = (ms: number) => {
    const endMs = clock.nowMs + ms
    while (clock.nextAtMs <= endMs) clock.runNext()
    clock.nowMs = endMs
  }
  return { board, connect, pass }
}

describe("presences", () => {
  test("reach who watches: at first all, then what changed within 50 ms together, then who left", () => {
    const { connect, pass } = setUp()
    const [ann, bo] = [connect("a", "ann"), connect("b")]
    ann.show("t", 1)
    bo.watch()
    expect(bo.last).toEqual({ isAll: true, changed: ["a/t ann 1"], gone: [] })
    bo.watch(bo.version)
    ann.show("t", 2)
    ann.show("u", 3)
    pass(49)
    expect(bo.received).toHaveLength(1)
    pass(1)
    expect(bo.last).toEqual({ isAll: false, changed: ["a/t ann 2", "a/u ann 3"], gone: [] })
    bo.watch(bo.version)
    ann.show("t")
    ann.show("nothing")
    pass(50)
    expect(bo.last).toEqual({ isAll: false, changed: [], gone: ["a/t"] })
  })

  test("of one connection's end leave the others there; a reader is sent each that went once", () => {
    const { connect, pass, board } = setUp()
    const [ann, bo, cy] = [connect("a"), connect("b"), connect("c")]
    for (const one of [ann, bo]) one.show("t", 1)
    cy.watch()
    // It waits for later changes, and one that does not yet wait is not answered.
    cy.watch(cy.version)
    bo.watch()
    bo.watch(bo.version)
    board.leave(ann.client)
    pass(50)
    expect(cy.last).toEqual({ isAll: false, changed: [], gone: ["a/t"] })
    cy.watch(cy.version)
    bo.watch(bo.version + 1)
    bo.show("t")
    pass(50)
    expect(cy.last).toEqual({ isAll: false, changed: [], gone: ["b/t"] })
    expect(bo.last).toEqual({ isAll: false, changed: [], gone: ["a/t"] })
    expect(board.count).toBe(0)
  })

  test("end with their connection; a reader that was away meanwhile is sent what it missed", () => {
    const { connect, pass, board } = setUp()
    const [ann, bo] = [connect("a"), connect("b")]
    bo.watch()
    const { version } = bo
    ann.show("t", 1)
    ann.show("t", 2)
    board.leave(ann.client)
    expect(board.count).toBe(0)
    pass(1_000)
    expect(bo.received).toHaveLength(1)
    bo.watch(version)
    pass(50)
    expect(bo.last).toEqual({ isAll: false, changed: [], gone: ["a/t"] })
    board.leave(bo.client)
    ann.show("t", 3)
    pass(50)
    expect(bo.received).toHaveLength(2)
  })

  test("a reader that is older than what is remembered of them gets all that are there", () => {
    const { connect, pass } = setUp()
    const [ann, bo] = [connect("a"), connect("b")]
    bo.watch()
    for (let i = 0; i <= PRESENCES_MAX; i++) {
      ann.show(`t${i}`, 1)
      ann.show(`t${i}`)
    }
    ann.show("last", 1)
    bo.watch(bo.version)
    pass(50)
    expect(bo.last).toEqual({ isAll: true, changed: ["a/last null 1"], gone: [] })
  })

  test("have limits: of a connection, of a document, and of all bytes, which fit one frame (I17)", () => {
    const { connect, board } = setUp()
    const one = connect("one")
    for (let i = 0; i <= CLIENT_PRESENCES_MAX; i++) one.show(`t${i}`, 1)
    expect(board.count).toBe(CLIENT_PRESENCES_MAX)
    board.leave(one.client)
    const large = Array.from({ length: PRESENCE_BYTES_MAX }, () => 7)
    for (let i = 0; i < 20; i++) {
      const many = connect(`c${i}`)
      for (let tab = 0; tab < CLIENT_PRESENCES_MAX; tab++) many.show(`t${tab}`, ...large)
    }
    expect(board.count).toBe(PRESENCES_BYTES_MAX / PRESENCE_BYTES_MAX)
    const reader = connect("reader")
    reader.watch()
    expect(reader.last.changed).toHaveLength(board.count)
    const { board: other, connect: connectOther } = setUp()
    for (let i = 0; i <= PRESENCES_MAX / CLIENT_PRESENCES_MAX; i++) {
      const many = connectOther(`c${i}`)
      for (let tab = 0; tab < CLIENT_PRESENCES_MAX; tab++) many.show(`t${tab}`, 1)
    }
    expect(other.count).toBe(PRESENCES_MAX)
  })
})
