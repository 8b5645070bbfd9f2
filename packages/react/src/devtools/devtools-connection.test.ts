// @vitest-environment jsdom
import { afterEach, beforeEach, expect, test, vi } from "vitest"
import type { TabMessage, WorkerMessage } from "../rpc/protocol.ts"
import { DevtoolsConnection } from "./devtools-connection.ts"

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** The workers that were made, each with what was posted to it. */
function open() {
  const made: { posted: TabMessage[]; say(message: WorkerMessage): void }[] = []
  const connection = new DevtoolsConnection(() => {
    const port = { onmessage: null as ((event: { data: WorkerMessage }) => void) | null }
    const posted: TabMessage[] = []
    made.push({ posted, say: (data) => port.onmessage?.({ data }) })
    const ends = { postMessage: (message: TabMessage) => posted.push(message), close: () => {}, start: () => {} }
    return { onerror: null, port: Object.assign(port, ends) } as unknown as SharedWorker
  })
  return { connection, made }
}

const question = { type: "watch", key: null } as const
const asked = ({ posted }: { posted: TabMessage[] }) =>
  posted.flatMap((message) => (message.type === "devtools" ? [message] : []))
const codeOf = (code: string) => expect.objectContaining({ code })

test("each question gets the answer of its number, or its error", async () => {
  const { connection, made } = open()
  const [first, second] = [connection.ask(question), connection.ask({ type: "tables", key: "d" })]
  const failed = expect(first).rejects.toEqual(codeOf("LOG_CLOSED"))
  const error = { code: "LOG_CLOSED", message: "x" }
  made[0].say({ type: "devtools", call: 2, reply: { type: "answer", value: [] } })
  made[0].say({ type: "devtools", call: 1, reply: { type: "error", error } })
  made[0].say({ type: "devtools", call: 9, reply: { type: "answer", value: [] } })
  expect(await second).toEqual([])
  await failed
})

test("a question that was not answered is asked again of the next worker", async () => {
  const { connection, made } = open()
  const answer = connection.ask(question)
  made[0].say({ type: "alive" })
  made[0].say({ type: "restarting" })
  expect(asked(made[1])).toEqual(asked(made[0]))
  made[1].say({ type: "devtools", call: 1, reply: { type: "answer", value: "snapshot" } })
  expect(await answer).toBe("snapshot")
})

test("a worker without devtools is an error after 20 s, and a closed panel one at once", async () => {
  const { connection, made } = open()
  made[0].say({ type: "alive" })
  made[0].say({ type: "life", lock: null })
  const slow = expect(connection.ask(question)).rejects.toEqual(codeOf("WORKER_FAILED"))
  await vi.advanceTimersByTimeAsync(20_000)
  await slow
  const closed = expect(connection.ask(question)).rejects.toEqual(codeOf("LOG_CLOSED"))
  connection.close()
  await closed
  const last = made[made.length - 1].posted
  expect(last.map((message) => (message.type === "devtools" ? message.question.type : message.type)).slice(-2)).toEqual(
    ["stop", "close"],
  )
})
