import { decodeSend, FRAME_BYTES_MAX, FrameAssembler, type Pipe, SEND_BYTES_MAX } from "@lf/core/internal"
import { afterEach, describe, expect, test, vi } from "vitest"
import { eventStreamNetwork, STREAMS_MAX } from "./event-stream-network.ts"

// The browser's end alone: what it asks for, and what becomes of each answer. event-stream-network.test.ts has both ends.

const URL_HERE = "http://app.example/api/lf"

const pipes: Pipe[] = []
afterEach(() => {
  for (const pipe of pipes.splice(0)) pipe.close("the test is over")
  vi.useRealTimers()
  vi.unstubAllGlobals()
  vi.restoreAllMocks()
})

/** A server whose stream is written by the test. `answer` is that of a send. */
function serve({ answer = async (_body: Uint8Array) => new Response(null, { status: 204 }) } = {}) {
  let stream!: ReadableStreamDefaultController<Uint8Array>
  const asked: { url: string; init: RequestInit }[] = []
  const sends: { key: string; number: number; bytes: Uint8Array }[] = []
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      stream = controller
    },
  })
  vi.stubGlobal("fetch", async (url: string, init: RequestInit) => {
    asked.push({ url, init })
    if (url.endsWith("?stream=")) return new Response(body, { status: 200 })
    const bytes = new Uint8Array(await (init.body as Blob).arrayBuffer())
    sends.push(decodeSend(bytes))
    return await answer(bytes)
  })
  const write = (text: string | Uint8Array) =>
    stream.enqueue(typeof text === "string" ? new TextEncoder().encode(text) : text)
  return { asked, sends, write, end: () => stream.close(), fail: () => stream.error(new Error("cut")) }
}

async function connect(url = URL_HERE): Promise<Pipe> {
  const pipe = await eventStreamNetwork(url).connect()
  pipes.push(pipe)
  return pipe
}

async function opened(options?: Parameters<typeof serve>[0]) {
  const server = serve(options)
  server.write("event: open\ndata: the key\n\n")
  const pipe = await connect()
  const got: (number[] | string)[] = []
  const listen = () => pipe.listen({ frame: (frame) => got.push([...frame]), closed: (reason) => got.push(reason) })
  return { ...server, pipe, got, listen }
}

const settled = () => new Promise((resolve) => setTimeout(resolve, 5))

describe("the browser's end of an event stream, connecting", () => {
  test("asks for a stream, with cookies and past every cache", async () => {
    const { asked } = await opened()
    expect(asked).toMatchObject([
      {
        url: `${URL_HERE}?stream=`,
        init: { method: "POST", headers: { accept: "text/event-stream" }, cache: "no-store", credentials: "include" },
      },
    ])
  })

  test.each([
    ["another event first", (server: ReturnType<typeof serve>) => server.write("data: AQ==\n\n"), /something else/],
    ["an end before its first event", (server: ReturnType<typeof serve>) => server.end(), /something else/],
    [
      "a failure before its first event",
      (server: ReturnType<typeof serve>) => server.fail(),
      /failed, or did not begin/,
    ],
  ])("a stream with %s is UPGRADE_BLOCKED", async (_what, act, message) => {
    act(serve())
    await expect(connect()).rejects.toMatchObject({
      code: "UPGRADE_BLOCKED",
      message: expect.stringMatching(message),
    })
  })

  test.each([
    [new Response(null, { status: 200 }), "UPGRADE_BLOCKED", /answered with 200/],
    [Response.json({ code: "WEBSOCKET_REQUIRED" }, { status: 426 }), "UPGRADE_BLOCKED", /answered with 426/],
    [Response.json({ code: "ORIGIN_REFUSED", message: "no" }, { status: 403 }), "ORIGIN_REFUSED", /no/],
    [new Response("no", { status: 404 }), "UPGRADE_BLOCKED", /answered with 404/],
    [new Response("no", { status: 502 }), "SERVER_UNREACHABLE", /502/],
  ])("an answer that is no stream is named %#", async (response, code, message) => {
    vi.stubGlobal("fetch", async () => response)
    await expect(connect()).rejects.toMatchObject({ code, message: expect.stringMatching(message) })
  })

  test("a request that fails is SERVER_UNREACHABLE, another error UPGRADE_BLOCKED", async () => {
    vi.stubGlobal("fetch", () => Promise.reject(new TypeError("failed to fetch")))
    await expect(connect()).rejects.toMatchObject({ code: "SERVER_UNREACHABLE" })
    vi.stubGlobal("fetch", () => Promise.reject(new Error("another")))
    await expect(connect()).rejects.toMatchObject({ code: "UPGRADE_BLOCKED" })
  })

  test.each([
    ["http/1.1", false],
    ["h2", true],
    ["h3", true],
    ["not h2", false],
    [undefined, false],
  ])("after a request over %s more streams than an HTTP/1.1 connection has are %s", async (protocol, isOpen) => {
    const last = protocol === undefined ? {} : { nextHopProtocol: protocol }
    vi.spyOn(performance, "getEntriesByName").mockReturnValue([{ nextHopProtocol: "h1" }, last] as never)
    const url = `http://${isOpen ? "many" : "few"}.example/api/lf`
    const one = async () => {
      serve().write("event: open\ndata: key\n\n")
      return await connect(url)
    }
    for (let i = 0; i < STREAMS_MAX; i++) await one()
    if (isOpen) await one()
    else await expect(one()).rejects.toMatchObject({ message: expect.stringContaining("HTTP/2") })
  })
})

describe("the browser's end of an event stream, receiving", () => {
  test("frames come in order, whatever their events are cut into; events of a later release are nothing", async () => {
    const { write, got, listen } = await opened()
    write("data: AQ==\n\n")
    await settled()
    listen()
    for (const byte of new TextEncoder().encode("data: AgM=\n\nevent: ünknown\ndata: BA==\n\ndata: BQ==\n\n"))
      write(Uint8Array.of(byte))
    await expect.poll(() => got).toEqual([[1], [2, 3], [5]])
  })

  test.each([
    ["the server's word", "event: close\ndata: SERVER_CLOSING\n\n", "SERVER_CLOSING"],
    ["what is no frame", "data: ***\n\n", "the event stream failed"],
    ["an event over the limit", `data: ${"A".repeat(FRAME_BYTES_MAX * 2)}`, "the event stream failed"],
  ])("it ends by %s", async (_what, text, reason) => {
    const { write, got, listen, asked } = await opened()
    listen()
    write(text)
    await expect.poll(() => got).toEqual([reason])
    expect(asked[0].init.signal?.aborted).toBe(true)
  })

  test("a frame may be as long as the limit", async () => {
    const { write, got, pipe } = await opened()
    pipe.listen({ frame: (frame) => got.push([frame.length]), closed: (reason) => got.push(reason) })
    write(`data: ${Buffer.alloc(FRAME_BYTES_MAX).toString("base64")}\n\n`)
    await expect.poll(() => got).toEqual([[FRAME_BYTES_MAX]])
  })

  test("it ends once, and says so to a later listener; what comes after it is nothing", async () => {
    const ended = await opened()
    ended.end()
    await settled()
    ended.listen()
    ended.pipe.close("again")
    expect(ended.got).toEqual(["the event stream ended"])
    const closed = await opened()
    closed.listen()
    closed.pipe.close("done")
    closed.write("data: AQ==\n\n")
    await settled()
    expect(closed.got).toEqual(["done"])
    const failed = await opened()
    failed.listen()
    failed.fail()
    await expect.poll(() => failed.got).toEqual(["the event stream failed"])
  })
})

describe("the browser's end of an event stream, sending", () => {
  test("what is sent in one turn, or while a request is under way, goes together, in order and numbered", async () => {
    const answers: (() => void)[] = []
    const answer = () =>
      new Promise<Response>((resolve) => answers.push(() => resolve(new Response(null, { status: 204 }))))
    const { pipe, sends, asked, listen, got } = await opened({ answer })
    listen()
    pipe.send(Uint8Array.of(1))
    pipe.send(Uint8Array.of(2))
    await expect.poll(() => answers.length).toBe(1)
    pipe.send(Uint8Array.of(3))
    pipe.send(Uint8Array.of(4))
    await settled()
    expect(sends.length).toBe(1)
    answers[0]()
    await expect.poll(() => answers.length).toBe(2)
    answers[1]()
    await settled()
    pipe.send(Uint8Array.of(5))
    await expect.poll(() => sends.length).toBe(3)
    const assembler = new FrameAssembler()
    expect(sends.map(({ key, number, bytes }) => [key, number, assembler.take(bytes).map((one) => [...one])])).toEqual([
      ["the key", 0, [[1], [2]]],
      ["the key", 1, [[3], [4]]],
      ["the key", 2, [[5]]],
    ])
    expect(asked[1]).toMatchObject({
      url: `${URL_HERE}?send=`,
      init: { method: "POST", cache: "no-store", credentials: "include" },
    })
    expect((asked[1].init.body as Blob).type).toBe("")
    expect(got).toEqual([])
  })

  test("a long frame goes in several requests", async () => {
    const { pipe, sends } = await opened()
    pipe.send(new Uint8Array(SEND_BYTES_MAX * 2))
    await expect.poll(() => sends.map(({ bytes }) => bytes.length)).toEqual([SEND_BYTES_MAX, SEND_BYTES_MAX, 4])
  })

  test("after the end nothing is sent, what waited neither", async () => {
    const { pipe, sends } = await opened()
    pipe.send(Uint8Array.of(1))
    pipe.close("done")
    pipe.send(Uint8Array.of(2))
    await settled()
    expect(sends).toEqual([])
  })

  test("a request that fails, or is not answered, ends it", async () => {
    const failing = await opened({ answer: () => Promise.reject(new TypeError("failed")) })
    failing.listen()
    failing.pipe.send(Uint8Array.of(1))
    await expect.poll(() => failing.got).toEqual(["a request failed"])
    const silent = await opened({ answer: () => new Promise(() => {}) })
    silent.listen()
    vi.useFakeTimers()
    silent.pipe.send(Uint8Array.of(1))
    await vi.advanceTimersByTimeAsync(29_000)
    expect(silent.got).toEqual([])
    await vi.advanceTimersByTimeAsync(2_000)
    expect(silent.got).toEqual(["a request was not answered"])
  })
})
