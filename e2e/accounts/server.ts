// Pages and data of the app with accounts. Whoever has the cookie is that user.
import { readFileSync } from "node:fs"
import { createServer } from "node:http"
import { extname, join } from "node:path"
import { createLf } from "@lf/next"
import { allNotes, mutator } from "./notes.ts"

const directory = process.argv[2]
const types: Record<string, string> = { ".js": "text/javascript", ".wasm": "application/wasm", ".html": "text/html" }
const page = '<!doctype html><title>notes</title><div id="root"></div><script type="module" src="/page.js"></script>'

// The pages come all the same: only the data is not to be had.
let isDown = false
const lf = createLf<{ id: string }>({
  mutator,
  dataDir: join(directory, "data"),
  authenticate: ({ headers }) => {
    const id = /(?:^|; )user=([^;]+)/.exec(headers.get("cookie") ?? "")?.[1]
    return id === undefined ? null : { id }
  },
  authorize: () => {
    if (isDown) throw new Error("down")
    return true
  },
})

const server = createServer(async (request, response) => {
  const path = request.url ?? "/"
  if (path === "/down") isDown = true
  if (path === "/up") isDown = false
  if (path === "/rows") {
    const notes = await lf.document("notes", { as: "system" }).query(allNotes)
    response.end(JSON.stringify(notes.map(({ text, author }) => `${text} by ${author ?? "nobody"}`)))
  } else if (path === "/api/lf") {
    const { status, body } = await lf.handlers.GET(new Request(`http://localhost${path}`))
    response.statusCode = status
    response.end(await new Response(body).text())
  } else if (extname(path) in types) {
    response.setHeader("content-type", types[extname(path)])
    response.end(readFileSync(join(directory, path)))
  } else {
    response.setHeader("content-type", "text/html")
    response.end(page)
  }
})
// Without a listener Node takes an upgrade for a request; lf's own are taken before they arrive here.
server.on("upgrade", (_request, socket) => socket.destroy())
server.listen(0, "127.0.0.1", () => {
  const address = server.address()
  process.stdout.write(`port ${typeof address === "object" ? address?.port : ""}\n`)
})
