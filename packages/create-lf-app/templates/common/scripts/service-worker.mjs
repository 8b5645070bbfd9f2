// After `next build`: bundles app/sw.ts into public/sw.js, with the list of the files that it keeps on the device.
import { readdirSync, readFileSync } from "node:fs"
import { build } from "esbuild"

// The page and the icon have no hash in their name: the build is their revision.
const revision = readFileSync(".next/BUILD_ID", "utf8")
const pages = ["/?offline", "/icon.svg"].map((url) => ({ url, revision }))
// wasm too, or the browser's HTTP cache hides that it is missing until the device is really offline.
const files = readdirSync(".next/static", { recursive: true, encoding: "utf8" })
  .filter((file) => /\.(js|css|wasm|woff2|svg|png|ico)$/.test(file))
  .map((file) => ({ url: `/_next/static/${file.replaceAll("\\", "/")}`, revision: null }))

await build({
  entryPoints: ["app/sw.ts"],
  outfile: "public/sw.js",
  bundle: true,
  minify: true,
  format: "iife",
  target: "es2022",
  define: {
    "self.__SW_MANIFEST": JSON.stringify([...pages, ...files]),
    "process.env.NODE_ENV": '"production"',
  },
})
console.log(`public/sw.js keeps ${pages.length + files.length} files`)
