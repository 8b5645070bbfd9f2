import { expect } from "@playwright/test"
import { startPostgres } from "../scripts/postgres.mjs"
import { Nginx } from "./nginx.ts"
import { freePort, Server } from "./server.ts"
import { test } from "./test.ts"
import { newListUrl, TodoPage } from "./todo-page.ts"

// Where no WebSocket opens, the same frames travel by an event stream and requests, each of which may reach any server.

test("behind nginx without upgrades two browsers sync over two servers, through a kill, without an error (H7, I9)", async ({
  browser,
}) => {
  test.setTimeout(120_000)
  const postgres = await startPostgres()
  try {
    await using one = await Server.prepare()
    await using two = await Server.prepare()
    for (const server of [one, two]) await server.start({ LF_DATABASE_URL: postgres.connectionString })
    await using nginx = await Nginx.start(await freePort(), [one.port, two.port])
    const url = newListUrl(nginx.url)
    const open = async () => await TodoPage.open(await (await browser.newContext()).newPage(), url)
    const [a, b] = [await open(), await open()]
    await a.add("one")
    await a.isSynced()
    await b.shows(["one"])
    const startMs = performance.now()
    for (let i = 0; i < 5; i++) {
      await b.add(`${i}`)
      await expect(a.row(`${i}`)).toHaveCount(1)
    }
    console.log(
      `five todos, one after the other, were at the other browser after ${Math.round(performance.now() - startMs)} ms`,
    )
    await two.stop("SIGKILL")
    await a.add("with one server")
    await a.isSynced()
    await expect(b.row("with one server")).toHaveCount(1, { timeout: 15_000 })
    for (const page of [a, b]) await expect(page.page.getByTestId("error-notice")).toHaveCount(0)
  } finally {
    await postgres.stop()
  }
})
