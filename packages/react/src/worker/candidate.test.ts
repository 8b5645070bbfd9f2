import { afterEach, beforeEach, expect, test, vi } from "vitest"
import { channelPort, type ElectionMessage, electionChannel, servingLock } from "../rpc/election.ts"
import type { Port, TabMessage, WorkerMessage } from "../rpc/protocol.ts"
import { PageLocks } from "../testing/page-locks.ts"
import { Candidate, type DedicatedScope } from "./candidate.ts"

// Of this file alone: tests beside it are threads of one process, and share its channels.
const SCRIPT = "https://app.test/candidate.js"
let locks: PageLocks
let tab: BroadcastChannel
/** What the workers say to all tabs. */
let said: string[]

beforeEach(() => {
  locks = new PageLocks()
  vi.stubGlobal("navigator", { locks })
  tab = electionChannel(SCRIPT)
  said = []
  tab.onmessage = ({ data }: MessageEvent<ElectionMessage>) => said.push(data.type)
})
afterEach(() => {
  tab.close()
  vi.unstubAllGlobals()
})

/** A worker that a tab brought, and what it did. */
function brought(name: string) {
  const did: string[] = []
  const ports: Port<WorkerMessage, TabMessage>[] = []
  const scope: DedicatedScope = {
    onmessage: null,
    postMessage: ({ type, script }) => did.push(`${type} ${script}`),
  }
  const candidate = new Candidate(scope, SCRIPT, () => {
    did.push("serves")
    return {
      accept: (port) => {
        did.push("accepts")
        ports.push(port)
        port.post({ type: "alive" })
      },
      retire: async () => void did.push("retires"),
    }
  })
  const depose = () => scope.onmessage?.({ data: { type: "depose" } } as MessageEvent)
  return { name, did, ports, candidate, depose }
}
const until = (holds: () => boolean) => vi.waitFor(() => expect(holds()).toBe(true), { timeout: 5_000, interval: 2 })
const presents = `candidate ${SCRIPT}`

test("the first that is brought serves all tabs; when its tab is gone the next one does (T21)", async () => {
  const [one, two] = [brought("one"), brought("two")]
  expect([one.did, two.did]).toEqual([["serves", presents], [presents]])
  await until(() => said.length === 1)
  const received: string[] = []
  const port = channelPort<TabMessage, WorkerMessage>("p")
  port.listen(({ type }) => received.push(type))
  tab.postMessage({ type: "connect", port: "p" } satisfies ElectionMessage)
  await until(() => received.includes("alive"))
  const asked: string[] = []
  one.ports[0].listen(({ type }) => asked.push(type))
  port.post({ type: "ping", hasOpened: true })
  await until(() => asked.includes("ping"))
  expect(two.ports).toEqual([])
  locks.holderDied(servingLock(SCRIPT))
  await until(() => said.length === 2)
  expect([said, two.did]).toEqual([
    ["serves", "serves"],
    [presents, "serves"],
  ])
  port.close()
  one.ports[0].close()
})

test("one that is frozen loses its place; when it wakes up it retires, waits, and may serve again (T21)", async () => {
  const [one, two, three] = [brought("one"), brought("two"), brought("three")]
  two.depose()
  await until(() => one.did.includes("retires"))
  expect([one.did.at(-1), two.did.at(-1), three.did]).toEqual(["retires", "serves", [presents]])
  expect(locks.waitingFor(servingLock(SCRIPT)), "three and one").toBe(2)
  // It is deposed in turn: nothing is left of its earlier requests.
  three.depose()
  await until(() => two.did.includes("retires"))
  await until(() => locks.waitingFor(servingLock(SCRIPT)) === 2)
  locks.holderDied(servingLock(SCRIPT))
  await until(() => one.did.at(-1) === "serves")
})

test("one that has lost its place answers at no port any more: its tabs connect again (T21)", async () => {
  const [one, two] = [brought("one"), brought("two")]
  const received: string[] = []
  const port = channelPort<TabMessage, WorkerMessage>("p")
  port.listen(({ type }) => received.push(type))
  // It was posted while the worker was frozen, and is served by another one since.
  tab.postMessage({ type: "connect", port: "p" } satisfies ElectionMessage)
  await until(() => one.ports.length === 1)
  one.ports[0].listen(({ type }) => type === "ping" && one.ports[0].post({ type: "pong" }))
  two.depose()
  await until(() => received.includes("restarting"))
  port.post({ type: "ping", hasOpened: true })
  await new Promise((resolve) => setTimeout(resolve, 50))
  expect(received).not.toContain("pong")
  port.close()
  for (const { ports } of [one, two]) for (const open of ports) open.close()
})

test("newer code is to serve: every tab makes its worker anew", async () => {
  const { candidate } = brought("one")
  candidate.renew()
  await until(() => said.includes("renew"))
})
