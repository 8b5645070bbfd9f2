// Pages and data of the inputs. POST /fill and /rename are another user's changes.
import { readFileSync } from "node:fs"
import { createServer } from "node:http"
import { extname, join } from "node:path"
import { createLf } from "@lf/next"
import { AddItems, allItems, mutator, RenameItem } from "./items.ts"

const directory = process.argv[2]
const types: Record<string, string> = { ".js": "text/javascript", ".wasm": "application/wasm" }
const page = '<!doctype html><title>inputs</title><div id="root"></div><script type="module" src="/page.js"></script>'

const lf = createLf({
  mutator,
  dataDir: join(directory, "data"),
  authenticate: () => null,
  authorize: () => true,
})

async function answer(path: string, isPost: boolean): Promise<Response> {
  const { href, pathname, searchParams } = new URL(path, "http://localhost")
  if (pathname === "/api/lf") return lf.handlers.GET(new Request(href))
  const { doc = "items", title = "", ...numbers } = Object.fromEntries(searchParams)
  const document = lf.document(doc, { as: "system" })
  // A document that has not arrived yet has no rows; an error here would end the server.
  if (pathname === "/rows") return Response.json(await document.query(allItems).catch(() => []))
  if (isPost && pathname === "/fill") {
    return Response.json(await document.mutate(AddItems, { count: Number(numbers.count), title }))
  }
  if (isPost) return Response.json(await document.mutate(RenameItem, { id: Number(numbers.id), title }))
  const type = types[extname(pathname)]
  const body = type === undefined ? page : readFileSync(join(directory, pathname))
  return new Response(body, { headers: { "content-type": type ?? "text/html" } })
}

const server = createServer(async (request, response) => {
  const { status, headers, body } = await answer(request.url ?? "/", request.method === "POST")
  response.writeHead(status, Object.fromEntries(headers))
  response.end(Buffer.from(await new Response(body).arrayBuffer()))
})
// Without a listener Node takes an upgrade for a request; lf's own are taken before they arrive here.
server.on("upgrade", (_request, socket) => socket.destroy())
server.listen(0, "127.0.0.1", () => {
  const address = server.address()
  process.stdout.write(`port ${typeof address === "object" ? address?.port : ""}\n`)
})
