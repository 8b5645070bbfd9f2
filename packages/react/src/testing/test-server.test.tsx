// @vitest-environment jsdom
import { isLfError } from "@lf/core"
import { act, cleanup, render, screen } from "@testing-library/react"
import { afterEach, describe, expect, test, vi } from "vitest"
import { z } from "zod"
import {
  defineMutation,
  defineMutator,
  LfProvider,
  Reject,
  sql,
  useConnectionStatus,
  useMutation,
  useQuery,
  useRejectedMutations,
  useSyncStatus,
} from "../index.ts"
import { type TestClient, type TestServer, type TestServerOptions, testServer } from "./index.ts"

const Add = defineMutation("Add", z.string(), (tx, text) => {
  if (tx.side === "remote" && text === "refused") throw new Reject("not-here", { text })
  if (tx.side === "remote" && text === "bug") throw new Error("a bug")
  tx.run(sql`insert into notes values (${text}, ${tx.user}, ${tx.nowMs})`)
})
const Remove = defineMutation("Remove", z.string(), (tx, text) => {
  tx.run(sql`delete from notes where text = ${text}`)
})
const mutator = defineMutator({
  migrations: [sql`create table notes (text text primary key, who text, at integer) strict`],
  mutations: [Add, Remove],
})
const texts = sql<{ text: string }>`select text from notes order by text`

let server: TestServer
const opened: TestServer[] = []
async function start(options: Partial<TestServerOptions<{ id: string }>> = {}): Promise<TestServer> {
  server = await testServer({ mutator, ...options })
  opened.push(server)
  return server
}

function Notes({ name }: { name: string }) {
  const notes = useQuery(texts)
  const add = useMutation(Add)
  const { status, error } = useConnectionStatus()
  const { pending } = useSyncStatus()
  const [rejection] = useRejectedMutations()
  return (
    <section aria-label={name}>
      <output>{`${status} ${error?.code ?? "-"} ${pending} ${rejection?.code ?? "-"}`}</output>
      <p>{notes.data?.map(({ text }) => text).join(",")}</p>
      {["a", "b", "refused", "bug"].map((text) => (
        <button key={text} type="button" onClick={() => add.mutate(text)}>
          {text}
        </button>
      ))}
    </section>
  )
}

/** A tab of the device. */
function show(client: TestClient, name: string) {
  const { unmount } = render(
    <LfProvider doc="d" user={client.user} worker={client.worker}>
      <Notes name={name} />
    </LfProvider>,
  )
  const region = () => screen.getByRole("region", { name })
  return {
    unmount,
    add: (text: string) => {
      const buttons = [...region().querySelectorAll("button")]
      act(() => buttons.find(({ textContent }) => textContent === text)?.click())
    },
    get rows() {
      return region().querySelector("p")?.textContent
    },
    get state() {
      return region().querySelector("output")?.textContent
    },
  }
}

const settle = () => act(() => server.settled())
const codeOf = (error: unknown) => (isLfError(error) ? error.code : error)

afterEach(async () => {
  cleanup()
  vi.useRealTimers()
  for (const one of opened.splice(0)) await one.close()
})

describe("devices", () => {
  test("two devices have each other's rows once the server has settled", async () => {
    await start()
    const ada = show(server.client({ user: "ada" }), "ada")
    const bob = show(server.client({ user: "bob" }), "bob")
    await settle()
    ada.add("a")
    bob.add("b")
    await settle()
    expect([ada.rows, bob.rows]).toEqual(["a,b", "a,b"])
    expect(await server.document("d").query(sql`select text, who from notes order by text`)).toEqual([
      { text: "a", who: "ada" },
      { text: "b", who: "bob" },
    ])
  })

  test("a device that is cut keeps what it writes, and sends it when it is healed", async () => {
    await start()
    const laptop = server.client({ user: "ada" })
    const ada = show(laptop, "ada")
    const bob = show(server.client({ user: "bob" }), "bob")
    await settle()
    act(() => laptop.cut())
    ada.add("a")
    await settle()
    await expect.poll(() => ada.state).toBe("offline SERVER_UNREACHABLE 1 -")
    expect([ada.rows, bob.rows]).toEqual(["a", ""])
    act(() => laptop.heal())
    await settle()
    expect([ada.rows, bob.rows, ada.state]).toEqual(["a", "a", "connected - 0 -"])
  })

  test("the server's own cut reaches every device, and its heal those that were not cut themselves", async () => {
    await start()
    const laptop = server.client()
    const phone = server.client()
    show(laptop, "laptop")
    show(phone, "phone")
    await settle()
    phone.cut()
    server.cut()
    expect([laptop.isOnline, phone.isOnline]).toEqual([false, false])
    server.heal()
    expect([laptop.isOnline, phone.isOnline]).toEqual([true, false])
    phone.heal()
    await settle()
    expect(phone.isOnline).toBe(true)
  })

  test("a reloaded device has what it wrote while it was cut", async () => {
    await start()
    const laptop = server.client({ user: "ada" })
    const before = show(laptop, "before")
    await settle()
    act(() => laptop.cut())
    before.add("a")
    await settle()
    before.unmount()
    await laptop.reload()
    const after = show(laptop, "after")
    await expect.poll(() => after.rows).toBe("a")
    laptop.heal()
    await settle()
    expect(await server.document("d").query(texts)).toEqual([{ text: "a" }])
  })

  test("two tabs of a device share its worker: one sees what the other writes while both are cut", async () => {
    await start()
    const laptop = server.client()
    const one = show(laptop, "one")
    const two = show(laptop, "two")
    await settle()
    act(() => laptop.cut())
    one.add("a")
    await expect.poll(() => two.rows).toBe("a")
  })
})

test("queries over several documents have all rows once the server has settled", async () => {
  await start({ authorize: ({ doc }) => doc !== "secret" })
  for (const [doc, text] of [
    ["d", "a"],
    ["e", "b"],
    ["secret", "c"],
  ])
    await server.document(doc).mutate(Add, text)
  function All() {
    const all = useQuery(sql<{ text: string }>`select text from notes order by text`, { docs: ["d", "e"] })
    const own = useQuery(sql<{ n: number }>`select count(*) as n from own.notes`, { own: true })
    const secret = useQuery(texts, { docs: ["d", "secret"] })
    return <p>{`${all.data?.map(({ text }) => text)} ${own.data?.[0].n} ${secret.error?.code}`}</p>
  }
  const { user, worker } = server.client({ user: "ada" })
  render(
    <LfProvider doc="d" user={user} worker={worker}>
      <All />
    </LfProvider>,
  )
  await settle()
  expect(screen.getByText(/FORBIDDEN/).textContent).toBe("a,b 0 FORBIDDEN")
  await server.document("e").mutate(Add, "z")
  await settle()
  expect(screen.getByText(/FORBIDDEN/).textContent).toBe("a,b,z 0 FORBIDDEN")
})

describe("decisions", () => {
  test("a mutator's Reject at the server reaches the author, and the row goes", async () => {
    await start()
    const ada = show(server.client({ user: "ada" }), "ada")
    await settle()
    ada.add("refused")
    await settle()
    expect([ada.rows, ada.state]).toEqual(["", "connected - 0 not-here"])
  })

  test("a mutator's bug at the server reaches onError with its document and mutation", async () => {
    const onError = vi.fn()
    await start({ onError })
    const ada = show(server.client({ user: "ada" }), "ada")
    await settle()
    ada.add("bug")
    await settle()
    expect(ada.state).toBe("connected - 0 MUTATION_THREW")
    expect(onError).toHaveBeenCalledWith(
      expect.objectContaining({ message: "a bug" }),
      expect.objectContaining({ doc: "d", mutation: "Add", user: "ada" }),
    )
  })

  test("a user whom authorize refuses gets FORBIDDEN, and comes in after it agrees", async () => {
    let isAllowed = false
    await start({ authorize: ({ principal }) => principal?.id === "ada" || isAllowed })
    await server.document("d").mutate(Add, "a")
    const bob = show(server.client({ user: "bob" }), "bob")
    await settle()
    expect(bob.state).toBe("error FORBIDDEN 0 -")
    isAllowed = true
    await act(() => server.advance(30_000))
    await settle()
    expect([bob.rows, bob.state]).toEqual(["a", "connected - 0 -"])
  })

  test("rights that hang on rows of a document count once the server has settled", async () => {
    const members = sql<{ n: number }>`select count(*) as n from notes where text = 'bob'`
    await start({
      authorize: async ({ principal, doc }) =>
        doc !== "d" || principal?.id === "ada" || (await server.document("members").query(members))[0].n > 0,
    })
    await server.document("members").mutate(Add, "bob")
    await server.document("d").mutate(Add, "a")
    const bob = show(server.client({ user: "bob" }), "bob")
    await settle()
    expect([bob.rows, bob.state]).toEqual(["a", "connected - 0 -"])
    await server.document("members").mutate(Remove, "bob")
    await settle()
    await expect.poll(() => bob.state).toBe("error FORBIDDEN 0 -")
  })

  test("recheck closes the connection of a user who lost access", async () => {
    let isAllowed = true
    await start({ authorize: () => isAllowed })
    const bob = show(server.client({ user: "bob" }), "bob")
    await settle()
    isAllowed = false
    await act(() => server.recheck())
    await act(() => server.advance(1_000))
    await expect.poll(() => bob.state).toBe("error FORBIDDEN 0 -")
  })

  test("an app's authenticate gets the headers, the token's place and the device's user", async () => {
    const authenticate = vi.fn(({ headers }: { headers: Headers }) => ({ id: headers.get("cookie") ?? "" }))
    await start({ authenticate })
    const ada = show(server.client({ user: "ada", headers: new Headers({ cookie: "ada" }) }), "ada")
    await settle()
    expect(ada.state).toBe("connected - 0 -")
    expect(authenticate).toHaveBeenCalledWith(expect.objectContaining({ token: null, user: "ada" }))
  })

  test("a document's methods answer as the real server's", async () => {
    await start({ authorize: ({ principal, action }) => principal?.id === "ada" || action === "read" })
    const as = (id: string) => server.document("d", { as: { id } })
    await expect(server.document("d").query(texts).catch(codeOf)).resolves.toBe("DOC_NOT_FOUND")
    await expect(server.document("no/t").mutate(Add, "a").catch(codeOf)).resolves.toBe("DOC_ID_INVALID")
    expect(await as("bob").mutate(Add, "a")).toEqual({ type: "rejected", code: "MUTATION_FORBIDDEN", data: null })
    expect(await as("ada").mutate(Add, "a")).toMatchObject({ type: "applied" })
    expect(await as("ada").mutate(Add, "refused")).toMatchObject({ type: "rejected", code: "not-here" })
    expect(await as("bob").query(texts)).toEqual([{ text: "a" }])
    expect(await as("bob").lsn()).toBe(await as("ada").lsn())
  })

  test("onApplied is called for what is applied, and again when it throws", async () => {
    const names: string[] = []
    await start({
      onApplied: async ({ docId, args, user }) => {
        names.push(`${docId} ${String(args)} ${user}`)
        if (names.length === 1) throw new Error("the mail server is away")
      },
    })
    await server.document("d").mutate(Add, "a")
    await expect.poll(() => names.length).toBe(1)
    await server.advance(250)
    expect(names).toEqual(["d a null", "d a null"])
  })
})

describe("time", () => {
  test("the given time stands until advance, for devices and the server", async () => {
    await start({ now: 1_000 })
    const ada = show(server.client({ user: "ada" }), "ada")
    await settle()
    ada.add("a")
    await settle()
    await server.advance(24 * 3_600_000)
    ada.add("b")
    await settle()
    expect(await server.document("d").query(sql`select text, at from notes order by text`)).toEqual([
      { text: "a", at: 1_000 },
      { text: "b", at: 1_000 + 24 * 3_600_000 },
    ])
    expect(ada.state).toBe("connected - 0 -")
  })

  test("a test's fake timers leave the devices and the server going", async () => {
    await start()
    vi.useFakeTimers({ toFake: ["Date", "performance"] })
    await server.document("d").mutate(Add, "a")
    const ada = show(server.client({ user: "ada" }), "ada")
    await settle()
    expect(ada.rows).toBe("a")
  })
})

describe("refused calls", () => {
  test("options that it cannot take are refused with their code", async () => {
    await expect(testServer({} as never).catch(codeOf)).resolves.toBe("TEST_OPTION_INVALID")
    await expect(testServer({ mutator, now: 0.5 }).catch(codeOf)).resolves.toBe("TEST_OPTION_INVALID")
    await start()
    await expect(server.advance(-1).catch(codeOf)).resolves.toBe("TEST_OPTION_INVALID")
    expect(() => server.client({ user: "" })).toThrow(expect.objectContaining({ code: "USER_ID_INVALID" }))
  })

  test("settled says what is left when it does not come to an end", async () => {
    let end = () => {}
    await start({
      onApplied: () =>
        new Promise((resolve) => {
          end = resolve
        }),
    })
    await server.document("d").mutate(Add, "a")
    const error = await server.settled({ timeoutMs: 50 }).catch((error: unknown) => error)
    expect(error).toMatchObject({
      code: "TEST_NOT_SETTLED",
      message: "after 50 ms: 1 calls of the server have not returned",
    })
    end()
    await server.settled()
  })

  test("a closed server refuses new devices and calls, and may be closed again", async () => {
    await start()
    show(server.client(), "device")
    await settle()
    await server.close()
    await server.close()
    expect(() => server.client()).toThrow(expect.objectContaining({ code: "SERVER_CLOSING" }))
    await expect(server.document("d").query(texts).catch(codeOf)).resolves.toBe("SERVER_CLOSING")
  })
})
