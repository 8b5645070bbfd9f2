import { beforeAll, describe, expect, test } from "vitest"
import { loadChecksum } from "../base/checksum.ts"
import { lsn } from "../base/lsn.ts"
import { MemoryDisk } from "../journal/memory-log.ts"
import { SeededRandom } from "../testing/seeded-random.ts"
import { SimClock, SimHost } from "../testing/sim-host.ts"
import { ClientList } from "./client-list.ts"
import { ATTEMPTS_MAX, CAREFUL_MS, CrashQuarantine } from "./crash-quarantine.ts"
import { RemoteStore } from "./remote-store.ts"

beforeAll(loadChecksum)

const at = (clientId: string, position: number) => ({ clientId, lsn: lsn(position) })

/** One document's server, which is killed and started again on the same disk. */
class Restarts {
  readonly #disk = new MemoryDisk()
  readonly clock = new SimClock()

  /** `applied`: client a's applied cursor in the document. */
  async begin(applied = 0) {
    const host = new SimHost(this.clock, new SeededRandom(1))
    const store = new RemoteStore(await this.#disk.open("d"), host)
    const clients = new ClientList(store)
    clients.journal("a").applied = lsn(applied)
    const attempts = new CrashQuarantine(store, clients, host, false)
    await store.streams.flush()
    return { store, attempts }
  }

  kill(): void {
    this.#disk.crash()
  }

  /** Starts after a kill, begins `group`, and kills the process again. */
  async begun(...group: readonly ReturnType<typeof at>[]) {
    await this.begin()
    this.kill()
    const { attempts } = await this.begin()
    await attempts.begin(group)
    this.kill()
  }

  async waitUntilCareless(): Promise<void> {
    this.clock.after(CAREFUL_MS, () => {})
    this.clock.runNext()
  }
}

describe("a mutation that was begun when a server was killed (T12)", () => {
  test("is not journaled without a kill, and runs together with others", async () => {
    const { store, attempts } = await new Restarts().begin()
    await attempts.begin([at("a", 1), at("a", 2)])
    expect(store.attempts.lsn()).toBe(0)
    expect(attempts.together([at("a", 1), at("a", 2)])).toBe(2)
  })

  test("runs alone: a group ends before the first of them, or consists of it", async () => {
    const restarts = new Restarts()
    await restarts.begun(at("a", 1), at("a", 2), at("b", 1))
    const { attempts } = await restarts.begin()
    expect(attempts.together([at("a", 1), at("a", 2)])).toBe(1)
    expect(attempts.together([at("c", 1), at("c", 2), at("b", 1), at("a", 1)])).toBe(2)
    expect(attempts.together([at("c", 1), at("c", 2), at("c", 3)])).toBe(3)
  })

  test("is no suspect when the document says that it was applied", async () => {
    const restarts = new Restarts()
    await restarts.begun(at("a", 1), at("a", 2))
    const { attempts } = await restarts.begin(1)
    expect(attempts.together([at("a", 1), at("c", 1)])).toBe(2)
    expect(attempts.together([at("c", 1), at("a", 2)])).toBe(1)
  })

  test("is no suspect if it was applied before the group began", async () => {
    const restarts = new Restarts()
    await restarts.begun(at("a", 5), at("a", 6))
    const { attempts } = await restarts.begin()
    expect(attempts.together([at("a", 4), at("c", 1)])).toBe(2)
  })

  test("is journaled once per run, also when it is begun again together with another", async () => {
    const restarts = new Restarts()
    await restarts.begin()
    restarts.kill()
    const { store, attempts } = await restarts.begin()
    await attempts.begin([at("a", 1)])
    await attempts.begin([at("a", 1)])
    expect(store.attempts.lsn()).toBe(1)
    await attempts.begin([at("a", 1), at("a", 2)])
    expect(store.attempts.lsn()).toBe(2)
    expect(store.attempts.entry(lsn(2))).toEqual([{ clientId: "a", from: 1, to: 2 }])
    expect(store.streams.isDirty).toBe(false)
  })

  test("counts once per run, however often the time of its group was up and others had arrived", async () => {
    const restarts = new Restarts()
    const waiting = Array.from({ length: 12 }, (_, i) => at("a", i + 1))
    await restarts.begin()
    restarts.kill()
    const { attempts } = await restarts.begin()
    for (const [i] of waiting.entries()) await attempts.begin(waiting.slice(i, i + 6))
    restarts.kill()
    const again = await restarts.begin()
    expect(waiting.filter((ref) => again.attempts.isQuarantined(ref))).toEqual([])
  })

  test("is journaled also after the careful time, when no other mutation is", async () => {
    const restarts = new Restarts()
    await restarts.begun(at("a", 1))
    const { store, attempts } = await restarts.begin()
    const before = store.attempts.lsn()
    await restarts.waitUntilCareless()
    await attempts.begin([at("c", 1), at("c", 2)])
    expect(store.attempts.lsn()).toBe(before)
    await attempts.begin([at("c", 1), at("a", 1)])
    expect(store.attempts.lsn()).toBe(before + 1)
  })

  test(`is quarantined when it was begun ${ATTEMPTS_MAX} times, and then delays no group`, async () => {
    const restarts = new Restarts()
    await restarts.begun(at("a", 1))
    for (let times = 1; times < ATTEMPTS_MAX; times++) {
      const { attempts } = await restarts.begin()
      expect(attempts.isQuarantined(at("a", 1))).toBe(false)
      await attempts.begin([at("a", 1)])
      restarts.kill()
    }
    const { attempts } = await restarts.begin()
    expect(attempts.isQuarantined(at("a", 1))).toBe(true)
    expect(attempts.together([at("c", 1), at("a", 1), at("c", 2)])).toBe(3)
  })

  test("is forgotten, in memory and at rest, when none waits", async () => {
    const restarts = new Restarts()
    await restarts.begun(at("a", 1), at("a", 2))
    const { store, attempts } = await restarts.begin()
    attempts.forget()
    expect(attempts.together([at("a", 1), at("a", 2)])).toBe(2)
    expect([...store.attempts.iter()]).toEqual([])
    await attempts.begin([at("a", 1)])
    expect([...store.attempts.iter()]).toHaveLength(1)
  })

  test("a start is journaled once until its end is", async () => {
    const restarts = new Restarts()
    await restarts.begin()
    restarts.kill()
    const { store } = await restarts.begin()
    expect(store.life.lsn()).toBe(1)
    store.life.append({ isOver: true })
    await store.streams.close()
    expect((await restarts.begin()).store.life.lsn()).toBe(3)
  })
})
