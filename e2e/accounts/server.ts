// Pages and data of the app with accounts. The cookie alone says who the user is.
import { readFileSync } from "node:fs"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import { extname, join } from "node:path"
import { createLf } from "@lf/next"
import { allNotes, endless, mutator } from "./notes.ts"

const directory = process.argv[2]
const types: Record<string, string> = { ".js": "text/javascript", ".wasm": "application/wasm", ".html": "text/html" }
const page = '<!doctype html><title>notes</title><div id="root"></div><script type="module" src="/page.js"></script>'

/** "down": only pages are served, no data. "forbidden": this user is refused. "unsure": authentication is unavailable. */
let mode = "up"
const lf = createLf<{ id: string }>({
  mutator,
  dataDir: join(directory, "data"),
  authenticate: ({ headers }) => {
    if (mode === "unsure") throw new Error("the accounts' database is away")
    const id = /(?:^|; )user=([^;]+)/.exec(headers.get("cookie") ?? "")?.[1]
    return id === undefined ? null : { id }
  },
  authorize: () => {
    if (mode === "down") throw new Error("down")
    return mode !== "forbidden"
  },
})

const server = createServer(async (request, response) => {
  const path = new URL(request.url ?? "/", "http://localhost").pathname
  if (/^\/(up|down|forbidden|unsure)$/.test(path)) mode = path.slice(1)
  if (path === "/rows") {
    const notes = await lf.document("notes", { as: "system" }).query(allNotes)
    response.end(JSON.stringify(notes.map(({ text, author }) => `${text} by ${author ?? "anonymous"}`)))
  } else if (path === "/endless") {
    const ended = lf.document("notes", { as: "system" }).query(endless)
    response.end(await ended.then(() => "rows").catch(({ code }) => code))
  } else if (path === "/api/lf" || path === "/no-upgrade") await answerRoute(request, response)
  else if (path === "/missing" || path === "/throws") {
    response.statusCode = path === "/missing" ? 404 : 500
    response.end("no route")
  } else if (path === "/broken-worker.js") {
    response.setHeader("content-type", "text/javascript")
    response.end('throw new Error("a bug of the app")')
  } else if (extname(path) in types) {
    response.setHeader("content-type", types[extname(path)])
    response.end(readFileSync(join(directory, path)))
  } else {
    response.setHeader("content-type", "text/html")
    response.end(page)
  }
})

/** What Next does for a route file. */
async function answerRoute(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const headers = Object.entries(request.headers).map(([name, value]): [string, string] => [name, String(value)])
  const method = request.method === "POST" ? "POST" : "GET"
  const answer = await lf.handlers[method](
    new Request(`http://${request.headers.host}${request.url}`, { method, headers }),
  )
  response.writeHead(answer.status, Object.fromEntries(answer.headers))
  response.end(await answer.text())
}

// Without a listener Node takes an upgrade for a request; lf's own are taken before they arrive here.
server.on("upgrade", (_request, socket) => socket.destroy())
server.listen(0, "127.0.0.1", () => {
  const address = server.address()
  process.stdout.write(`port ${typeof address === "object" ? address?.port : ""}\n`)
})
