import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"

// The pictures that pages of docs/ show, copied when the app is built.
export const dynamic = "force-static"
export const dynamicParams = false

const types: Readonly<Record<string, string>> = { png: "image/png", svg: "image/svg+xml" }

function folder(): string {
  return join(/* turbopackIgnore: true */ process.cwd(), "docs/media")
}

export function generateStaticParams() {
  return readdirSync(folder()).map((name) => ({ name }))
}

export async function GET(_request: Request, { params }: { params: Promise<{ name: string }> }) {
  const { name } = await params
  const type = types[name.split(".").at(-1) ?? ""] ?? "application/octet-stream"
  return new Response(new Uint8Array(readFileSync(join(folder(), name))), { headers: { "Content-Type": type } })
}
