import { expect, type Page } from "@playwright/test"
import { AccountsServer, shows, write } from "./accounts.ts"
import { chromiumPath, Profile } from "./browser.ts"
import { soak, test } from "./test.ts"

async function open(page: Page, server: AccountsServer, user: string): Promise<Page> {
  await page.goto(`${server.url}/#${user === "anonymous" ? "" : user}`)
  await expect(page.getByTestId("user")).toHaveText(user)
  return page
}

async function become(page: Page, user: string): Promise<void> {
  await page.getByRole("button", { name: `be ${user}` }).click()
  await expect(page.getByTestId("user")).toHaveText(user)
}

async function isSynced(page: Page): Promise<void> {
  await expect(page.getByTestId("status")).toHaveText("connected", { timeout: 40_000 })
  await expect(page.getByTestId("pending")).toHaveText("0", { timeout: 15_000 })
}

test("rows written signed out arrive once, as the later user, despite two kills (T26)", soak, async () => {
  test.setTimeout(120_000)
  await using server = await AccountsServer.start()
  await using profile = new Profile(chromiumPath())
  let page = await open(await (await profile.start()).newPage(), server, "anonymous")
  await write(page, "zero")
  await isSynced(page)
  await server.become("down")
  await write(page, "one", "two")
  await profile.kill()
  page = await open(await (await profile.start()).newPage(), server, "anonymous")
  await shows(page, ["zero by anonymous", "one by anonymous", "two by anonymous"])
  await become(page, "ann")
  await shows(page, ["zero by anonymous", "one by ann", "two by ann"])
  await write(page, "three")
  await profile.kill()
  page = await open(await (await profile.start()).newPage(), server, "ann")
  await shows(page, ["zero by anonymous", "one by ann", "two by ann", "three by ann"])
  await expect(page.getByTestId("pending")).toHaveText("3")
  await server.become("up")
  await isSynced(page)
  expect(await server.rows()).toEqual(["zero by anonymous", "one by ann", "two by ann", "three by ann"])
})

test(
  "a user with a log here also gets the rows written signed out; they arrive once (T26)",
  soak,
  async ({ browser }) => {
    test.setTimeout(90_000)
    await using server = await AccountsServer.start()
    const context = await browser.newContext()
    const page = await open(await context.newPage(), server, "anonymous")
    await become(page, "ann")
    await write(page, "mine")
    await isSynced(page)
    await become(page, "anonymous")
    await server.become("down")
    await write(page, "one", "two")
    await become(page, "ann")
    await expect(page.getByTestId("pending")).toHaveText("2", { timeout: 15_000 })
    await page.reload()
    await expect(page.getByTestId("pending")).toHaveText("2", { timeout: 15_000 })
    await server.become("up")
    await isSynced(page)
    await shows(page, ["mine by ann", "one by ann", "two by ann"])
    expect(await server.rows()).toEqual(["mine by ann", "one by ann", "two by ann"])
    await become(page, "anonymous")
    await isSynced(page)
    await write(page, "last")
    await isSynced(page)
    expect(await server.rows()).toEqual(["mine by ann", "one by ann", "two by ann", "last by anonymous"])
  },
)

test("what is pending at the sign-out waits for its author and arrives as theirs (T25)", soak, async ({ browser }) => {
  test.setTimeout(90_000)
  await using server = await AccountsServer.start()
  const context = await browser.newContext()
  const page = await open(await context.newPage(), server, "anonymous")
  await become(page, "ann")
  await server.become("down")
  await write(page, "ann's")
  // A second tab still shows ann's document while the browser's cookie is ben's.
  const left = await open(await context.newPage(), server, "ann")
  await shows(left, ["ann's by ann"])
  await become(page, "ben")
  await server.become("up")
  await write(page, "ben's")
  await isSynced(page)
  await left.evaluate(() => window.dispatchEvent(new Event("online")))
  await expect(left.getByTestId("status")).toHaveText("needs-auth", { timeout: 30_000 })
  await expect(left.getByTestId("pending")).toHaveText("1")
  await become(page, "anonymous")
  await write(page, "anonymous's")
  await isSynced(page)
  expect(await server.rows()).toEqual(["ben's by ben", "anonymous's by anonymous"])
  await become(page, "ann")
  await page.evaluate(() => window.dispatchEvent(new Event("online")))
  await isSynced(page)
  expect(await server.rows()).toEqual(["ben's by ben", "anonymous's by anonymous", "ann's by ann"])
})

/** The user's logs, as the browser has them. */
const keptOf = (page: Page, user: string) =>
  page.evaluate(async (name) => {
    const databases = await indexedDB.databases()
    return databases.flatMap((database) =>
      database.name?.includes(`user/${name.length}/${name}/`) ? database.name : [],
    )
  }, user)

test("signing out asks about what is unsent, ends every tab and leaves nothing of the user here (T25)", async ({
  browser,
}) => {
  test.setTimeout(90_000)
  await using server = await AccountsServer.start()
  const context = await browser.newContext()
  const page = await open(await context.newPage(), server, "ann")
  const other = await open(await context.newPage(), server, "ann")
  const press = (name: string) => page.getByRole("button", { name }).click()
  await server.become("down")
  await write(page, "mine")
  await press("write elsewhere")
  await expect.poll(() => keptOf(page, "ann")).toHaveLength(2)
  await press("sign out, refuse")
  await expect(page.getByTestId("sign-out")).toHaveText("PENDING_REFUSED", { timeout: 15_000 })
  await shows(other, ["mine by ann"])

  await server.become("up")
  await page.evaluate(() => window.dispatchEvent(new Event("online")))
  await isSynced(page)
  await press("sign out, refuse")
  await expect(page.getByTestId("user")).toHaveText("anonymous", { timeout: 15_000 })
  await expect(other.getByTestId("status")).toHaveAttribute("data-code", "SIGNED_OUT")
  expect(await keptOf(page, "ann")).toEqual([])
  expect(await server.rows()).toEqual(["mine by ann"])

  // The other tab does not bring the document back, and a new sign-in fetches it.
  await other.evaluate(() => window.dispatchEvent(new Event("online")))
  await become(page, "ann")
  await shows(page, ["mine by ann"])
  await expect(other.getByTestId("status")).toHaveText("needs-auth")
  await server.become("down")
  await write(page, "lost knowingly")
  await press("sign out, discard")
  await expect(page.getByTestId("user")).toHaveText("anonymous", { timeout: 15_000 })
  expect(await keptOf(page, "ann")).toEqual([])
})
