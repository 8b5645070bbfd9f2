import { expect } from "@playwright/test"
import { InputsServer } from "./inputs.ts"
import { soak, test } from "./test.ts"

// Several documents in one page, in a real browser.

let server: InputsServer
test.beforeAll(async () => {
  server = await InputsServer.start()
})
test.afterAll(() => server[Symbol.asyncDispose]())

/** What the page offers to tests. */
interface Offered {
  add(doc: string, title: string): Promise<void>
}

test("one query lists the items of three documents, and follows changes here and of others", async ({ browser }) => {
  for (const [doc, title] of [
    ["home", "a home"],
    ["work", "b work"],
    ["main", "c main"],
  ])
    await server.fill({ doc, count: 1, title })
  const page = await (await browser.newContext()).newPage()
  await page.goto(`${server.url}/?doc=shown&docs=home,work,main`)
  const items = page.getByRole("listitem")
  await expect(items).toHaveText(["home: a home", "work: b work", "main: c main"], { timeout: 15_000 })
  await server.rename({ doc: "work", id: 1, title: "z work" })
  await expect(items).toHaveText(["home: a home", "main: c main", "work: z work"])
  await page.goto(`${server.url}/?doc=shown&docs=${Array.from({ length: 11 }, (_, i) => `d${i}`).join()}`)
  await expect(page.getByRole("listitem")).toHaveCount(0)
})

test(
  "120 documents are written at once: those over 64 wait for room, each is kept and arrives (I3, I17)",
  soak,
  async ({ browser }) => {
    test.setTimeout(120_000)
    const page = await (await browser.newContext()).newPage()
    const errors: string[] = []
    page.on("pageerror", (error) => errors.push(error.message))
    await page.goto(`${server.url}/?doc=shown&docs=burst0,burst119`)
    await page.waitForFunction(() => "add" in window)
    await page.evaluate(async () => {
      const { add } = window as unknown as Offered
      await Promise.all(Array.from({ length: 120 }, (_, i) => add(`burst${i}`, `title ${i}`)))
    })
    await expect(page.getByRole("listitem")).toHaveText(["burst0: title 0", "burst119: title 119"])
    for (const i of [0, 63, 64, 119]) {
      // An idle connection of Node's own fetch may end just as it is used again.
      const title = () =>
        server.rows(`burst${i}`).then(
          ([row]) => row?.title,
          () => "no answer",
        )
      await expect.poll(title, { timeout: 15_000 }).toBe(`title ${i}`)
    }
    expect(errors).toEqual([])
  },
)
