import { type DefinedMutation, LfError, type Mutator, type Outcome, type Query } from "@lf/core"
import { Traffic } from "./counted-channel.ts"
import { authorOf, checkUserId, TestAccess, type TestAccessOptions } from "./test-access.ts"
import { pause, realMs, TestClock } from "./test-clock.ts"
import { type TestClient, TestDevice } from "./test-device.ts"
import { type TestAppliedEvent, TestDocuments, type TestFailure } from "./test-documents.ts"
import type { WatchedPort } from "./watched-port.ts"

/** Under the 5 s that test runners give a test, so that the message says what is left. */
const SETTLED_MS_MAX = 4_000
/** TanStack Query and React render after timers of 0 ms. */
const RENDER_MS = 5
/** States that stay until the app or the test does something. */
const REFUSED: ReadonlySet<string> = new Set(["needs-auth", "needs-update", "error"])

export interface TestServerOptions<P extends { readonly id: string }> extends TestAccessOptions<P> {
  readonly mutator: Mutator
  /** As at the real server: called once for each applied mutation, again when it throws. */
  readonly onApplied?: (event: TestAppliedEvent) => void | Promise<void>
  /** Called when a mutator throws something else than a `Reject` at the server. Default: the message is in the rejection alone. */
  readonly onError?: (error: unknown, failure: TestFailure) => void
  /** Milliseconds since 1970: the time of the server and of all devices, which stands until `advance`. Default: the real time. */
  readonly now?: number
}

/** A document at the test's server, as `lf.document` of the real one. */
export interface TestDocument {
  /** @throws FORBIDDEN DOC_ID_INVALID DOC_NOT_FOUND SQL_ERROR SQL_DENIED SQL_BAD_PARAMETER */
  query<R>(query: Query<R>): Promise<R[]>
  /** @throws as `query` */
  lsn(): Promise<number>
  /**
   * Creates a missing document if the user may.
   * @throws FORBIDDEN DOC_ID_INVALID MUTATION_UNKNOWN MUTATION_ARGS_INVALID MUTATION_TOO_LARGE
   */
  mutate<Input>(mutation: DefinedMutation<Input>, args: Input): Promise<Outcome>
}

/**
 * A server in the test's own process: the real engine on memory in place of disks and sockets.
 * @throws TEST_OPTION_INVALID
 * @example
 * const server = await testServer({ mutator })
 * const ada = server.client({ user: "ada" })
 * render(<LfProvider doc="d" user={ada.user} worker={ada.worker}><App /></LfProvider>)
 */
export async function testServer<P extends { readonly id: string } = { readonly id: string }>(
  options: TestServerOptions<P>,
): Promise<TestServer<P>> {
  // Plain JavaScript may omit it.
  const { mutator }: Partial<TestServerOptions<P>> = options
  if (mutator === undefined || !Array.isArray(mutator.migrations))
    throw new LfError("TEST_OPTION_INVALID", `expected the mutator of defineMutator(), got ${typeof mutator}`)
  if (options.now !== undefined && !Number.isSafeInteger(options.now))
    throw new LfError("TEST_OPTION_INVALID", `expected \`now\` as whole milliseconds since 1970, got ${options.now}`)
  return new TestServer(options)
}

/** What `testServer` makes. */
export class TestServer<P extends { readonly id: string } = { readonly id: string }> {
  readonly #mutator: Mutator
  readonly #clock: TestClock
  readonly #access: TestAccess<P>
  readonly #documents: TestDocuments<P>
  readonly #clients = new Set<TestDevice>()
  readonly #traffic = new Traffic()
  #isOnline = true
  #closing: Promise<void> | null = null

  constructor(options: TestServerOptions<P>) {
    const { mutator, onApplied, onError, now = null } = options
    this.#mutator = mutator
    this.#clock = new TestClock(now)
    this.#access = new TestAccess(options)
    this.#documents = new TestDocuments({ mutator, host: this.#clock.host, access: this.#access, onApplied, onError })
  }

  /** A new device. `headers` are what `authenticate` sees of it. @throws USER_ID_INVALID SERVER_CLOSING */
  client(options: { readonly user?: string | null; readonly headers?: Headers } = {}): TestClient {
    this.#checkOpen()
    const { user = null, headers = new Headers() } = options
    if (user !== null) checkUserId(user)
    const client = new TestDevice({
      user,
      mutator: this.#mutator,
      host: this.#clock.host,
      traffic: this.#traffic,
      isServerOnline: () => this.#isOnline,
      accept: (pipe, from) => this.#documents.accept(pipe, { user, headers, ...from }),
    })
    this.#clients.add(client)
    return client
  }

  /** The document for the test itself. `authorize` is not asked for "system", which is the default. */
  document(doc: string, { as = "system" }: { readonly as?: P | null | "system" } = {}): TestDocument {
    const access = this.#access
    const principal = as === "system" ? null : as
    const author = () => (as === "system" ? as : authorOf(as))
    const check = async (action: "read" | "create") => {
      this.#checkOpen()
      author()
      if (as !== "system") await access.check({ principal, doc, action })
    }
    const existing = async () => {
      await check("read")
      const remote = this.#documents.has(doc) ? await this.#documents.open(doc) : null
      if (remote === null) throw new LfError("DOC_NOT_FOUND", "there is no such document: mutate creates it")
      return remote
    }
    return {
      query: (query) => this.#documents.during(async () => (await existing()).read(query)),
      lsn: async () => (await existing()).lsn(),
      mutate: (mutation, args) =>
        this.#documents.during(async () => {
          const mayWrite =
            as === "system" || (await access.may({ principal, doc, action: "write", mutation: mutation.name }))
          if (!mayWrite) return { type: "rejected", code: "MUTATION_FORBIDDEN", data: null }
          await check("read")
          if (!this.#documents.has(doc)) await check("create")
          return await (await this.#documents.open(doc)).mutate(mutation.name, args, author())
        }),
    }
  }

  /** No device reaches the server. */
  cut(): void {
    this.#isOnline = false
    for (const client of this.#clients) client.closePipes()
  }

  /** The server is there again; every device that was not cut itself connects at once. */
  heal(): void {
    this.#isOnline = true
    for (const client of this.#clients) client.poke()
  }

  /**
   * Moves the clock of the server and of all devices on, and runs the timers that are due by then, in order.
   * @throws TEST_OPTION_INVALID
   */
  async advance(ms: number): Promise<void> {
    if (!Number.isFinite(ms) || ms < 0)
      throw new LfError("TEST_OPTION_INVALID", `expected milliseconds of at least 0, got ${ms}`)
    await this.#clock.advance(ms)
  }

  /** `authenticate` and `authorize` are asked again for every connection; those that lost access are closed. */
  recheck(): Promise<void> {
    return this.#documents.recheck()
  }

  /**
   * Resolves when nothing is on its way: each device that reaches the server has its rows and no pending mutation, `onApplied` has
   * returned, and the rows were given to the page. A device that is cut or was refused is not waited for. `authorize` is asked again
   * for every connection, so that rights which changed count.
   * @throws TEST_NOT_SETTLED after `timeoutMs` of real time, with what is left
   */
  async settled({ timeoutMs = SETTLED_MS_MAX }: { readonly timeoutMs?: number } = {}): Promise<void> {
    const endMs = realMs() + timeoutMs
    let quiet = 0
    for (;;) {
      await pause(quiet === 0 ? 1 : RENDER_MS)
      const left = await this.#left()
      // Twice, since a render may mutate.
      quiet = left === null ? quiet + 1 : 0
      if (quiet === 2) return
      if (realMs() > endMs)
        throw new LfError("TEST_NOT_SETTLED", `after ${timeoutMs} ms: ${left ?? "the page renders"}`)
      // At the real server a change of rows that `authorize` reads asks it again within a second.
      if (quiet === 1) await this.#documents.recheck()
      if (left === null) await this.#deliver(endMs)
    }
  }

  /** Ends the devices and the server. A second call does nothing more. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #close(): Promise<void> {
    await Promise.all(Array.from(this.#clients, (client) => client.close()))
    await this.#documents.close()
    this.#traffic.close()
    this.#clock.stop()
  }

  #checkOpen(): void {
    if (this.#closing !== null)
      throw new LfError("SERVER_CLOSING", "expected an open test server, got one that was closed")
  }

  /** What is not settled; null: all is. */
  async #left(): Promise<string | null> {
    if (this.#traffic.inFlight > 0)
      return `${this.#traffic.inFlight} messages between tabs and workers are on their way`
    if (this.#documents.working > 0) return `${this.#documents.working} calls of the server have not returned`
    for (const client of this.#clients) {
      if (!client.isOnline) continue
      for (const tab of client.tabs) {
        const left = await this.#leftOf(client, tab)
        if (left !== null) return `${client.user ?? "an anonymous device"}: ${left}`
      }
    }
    return null
  }

  async #leftOf(client: TestDevice, { doc, state, joined }: WatchedPort): Promise<string | null> {
    if (doc === null) return null
    if (state === null) return `document ${doc} is not open`
    if (REFUSED.has(state.status) || !state.isOnlineWanted) return null
    if (state.status !== "connected") return `document ${doc} is ${state.status}`
    if (state.pendingCount > 0) return `document ${doc} has ${state.pendingCount} pending mutations`
    const remote = await this.#documents.find(doc)
    if (remote === null || state.lsn !== remote.lsn())
      return `document ${doc} is at ${state.lsn}, not at ${remote?.lsn()}`
    for (const one of joined) {
      const left = await this.#documents.behind(client, one)
      if (left !== null) return left
    }
    return null
  }

  /** Resolves when every tab was sent its rows, or at `endMs`. */
  async #deliver(endMs: number): Promise<void> {
    const tabs = Array.from(this.#clients, ({ tabs }) => tabs).flat()
    await Promise.race([Promise.all(tabs.map((tab) => tab.delivered())), pause(Math.max(0, endMs - realMs()))])
  }
}
