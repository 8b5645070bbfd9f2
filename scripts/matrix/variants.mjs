// What each variant of the matrix changes in the todo template. `files` are written, `edits` change what is there; `install`
// goes to npm, `build` and `start` are arguments of node in the app; `path` stands before every address.

const config = "next.config.mjs"
/** Adds an option to Next's config. */
const withOption = (option) => (text) => text.replace("withLf({", `withLf({\n  ${option},`)
const withoutCacheComponents = (text) => text.replace(/\s*(cacheComponents|partialPrefetching): true,/g, "")

const proxy = `import { type NextRequest, NextResponse } from "next/server"

export function proxy(request: NextRequest) {
  const response = NextResponse.next({ request })
  response.headers.set("x-proxy", "was here")
  return response
}
`

const parallelLayout = `import type { ReactNode } from "react"

export default function Layout({ children, aside }: { children: ReactNode; aside: ReactNode }) {
  return (
    <>
      {children}
      {aside}
    </>
  )
}
`
const nothing = "export default function Nothing() {\n  return null\n}\n"

const customServer = `import { createServer } from "node:http"
import next from "next"

const port = Number(process.env.PORT)
const server = createServer()
const app = next({ dev: false, httpServer: server, port, hostname: "localhost" })
await app.prepare()
const handle = app.getRequestHandler()
server.on("request", (request, response) => void handle(request, response))
server.on("upgrade", (request, socket, head) => void app.getUpgradeHandler()(request, socket, head))
server.listen(port)
`

export const variants = {
  default: {},
  webpack: { build: ["build", "--webpack"] },
  "without-cache-components": { edits: { [config]: withoutCacheComponents } },
  "base-path": { edits: { [config]: withOption('basePath: "/deep/app"') }, path: "/deep/app" },
  standalone: {
    edits: { [config]: withOption('output: "standalone"') },
    start: [".next/standalone/server.js"],
    copies: [[".next/static", ".next/standalone/.next/static"]],
  },
  "react-compiler": {
    edits: { [config]: withOption("reactCompiler: true") },
    install: ["babel-plugin-react-compiler@1.0.0"],
  },
  // proxy.ts, a route group around the pages, and parallel routes beside the list.
  routes: {
    files: {
      "proxy.ts": proxy,
      "app/(group)/inside/page.tsx": nothing,
      "app/l/[id]/layout.tsx": parallelLayout,
      "app/l/[id]/@aside/default.tsx": nothing,
      "app/l/[id]/@aside/page.tsx": nothing,
    },
  },
  "custom-server": { files: { "server.mjs": customServer }, start: ["server.mjs"] },
  // Scripts and styles come from another origin; the worker has to come from the app's own.
  cdn: {
    edits: {
      [config]: (text, { assetsPort }) => withOption(`assetPrefix: "http://localhost:${assetsPort}"`)(text),
    },
    assets: true,
  },
  "next-16.4.0": { install: ["next@16.4.0"] },
  // The template is for Next 16: Next 15 has no types for CSS that TypeScript 6 wants.
  "next-15": {
    files: { "css.d.ts": 'declare module "*.css"\n' },
    edits: { [config]: withoutCacheComponents },
    install: ["next@15.5.9", "react@19.1.1", "react-dom@19.1.1"],
  },
}
