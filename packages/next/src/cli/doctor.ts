import { access, constants, readdir, readFile } from "node:fs/promises"
import { dirname, join } from "node:path"
import { PROTOCOL_VERSION, toLfError } from "@lf/core/internal"
import { WebSocket } from "ws"
import { remoteFileSystem } from "../node/file-system.ts"
import { nodeFsCalls } from "../node/fs-calls.ts"
import { acquireDirectory } from "../node/fs-log.ts"
import { holderOf } from "../node/owner-lock.ts"
import type { StoreVersion } from "./database-store.ts"

/** One thing that was looked at. `remedy` is what to do about it; null: it is as it should be. */
export interface Finding {
  readonly what: string
  readonly remedy: string | null
}

const NODE_MIN = [20, 9]
const NEXT_MIN = [15, 5]
const ANSWER_MS_MAX = 10_000
const OURS = ["@lf/core", "@lf/react", "@lf/next"]

/**
 * Looks at the app in `appDir`, its documents and, where a url is given, its server. The documents are in the databases of
 * `storeVersions`, or without it in `dataDir`. Changes nothing.
 */
export async function examine(options: {
  readonly appDir: string
  readonly dataDir: string
  readonly storeVersions?: () => Promise<readonly StoreVersion[]>
  readonly url: string | undefined
}): Promise<Finding[]> {
  const { appDir, dataDir, storeVersions, url } = options
  const findings = [
    nodeFinding(process.versions.node),
    ...(await packageFindings(appDir, storeVersions === undefined ? OURS : [...OURS, "@lf/postgres"])),
    await configFinding(appDir),
    await routeFinding(appDir),
    ...(storeVersions === undefined ? [await directoryFinding(dataDir)] : await databaseFindings(storeVersions)),
  ]
  return url === undefined ? findings : [...findings, ...(await serverFindings(url))]
}

function nodeFinding(version: string): Finding {
  const remedy = isAtLeast(version, NODE_MIN) ? null : `lf needs Node ${NODE_MIN.join(".")} or newer: update it`
  return { what: `Node ${version}`, remedy }
}

/** What is installed, not what package.json asks for. */
async function packageFindings(appDir: string, ours: readonly string[]): Promise<Finding[]> {
  const next = await versionIn(appDir, "next")
  const versions = await Promise.all(ours.map((name) => versionIn(appDir, name)))
  const missing = ours.filter((_, i) => versions[i] === null)
  const isMixed = new Set(versions).size > 1
  return [
    {
      what: next === null ? "Next" : `Next ${next}`,
      remedy:
        next === null
          ? `it is not installed in ${appDir}: run this in the app's directory, after an install`
          : isAtLeast(next, NEXT_MIN)
            ? null
            : `lf needs Next ${NEXT_MIN.join(".")} or newer: update it`,
    },
    {
      what: ours.map((name, i) => `${name} ${versions[i] ?? "-"}`).join(", "),
      remedy:
        missing.length > 0
          ? `not installed: ${missing.join(", ")}`
          : isMixed
            ? "give these packages one version: they speak to each other"
            : null,
    },
  ]
}

async function configFinding(appDir: string): Promise<Finding> {
  const name = (await namesIn(appDir)).find((file) => /^next\.config\.(ts|mts|mjs|js|cjs)$/.test(file))
  const text = name === undefined ? "" : await textOf(join(appDir, name))
  const remedy = 'export default withLf(config), with import { withLf } from "@lf/next/config"'
  return { what: name ?? "next.config", remedy: /\bwithLf\s*\(/.test(text) ? null : remedy }
}

async function routeFinding(appDir: string): Promise<Finding> {
  for (const base of ["app", "src/app"]) {
    for (const file of ["route.ts", "route.js"]) {
      const path = join(base, "api/lf", file)
      if ((await textOf(join(appDir, path))).includes("handlers")) return { what: path, remedy: null }
    }
  }
  const remedy =
    "write app/api/lf/route.ts: export const { GET, POST } = lf.handlers; or give createLf its other `path`"
  return { what: "app/api/lf/route.ts", remedy }
}

async function directoryFinding(dataDir: string): Promise<Finding> {
  const what = `data in ${dataDir}`
  const there = await nearest(dataDir)
  try {
    await access(there, constants.W_OK | constants.X_OK)
  } catch {
    return { what, remedy: `${there} cannot be written by this user: change its owner, or set LF_DATA_DIR` }
  }
  const remote = await remoteFileSystem(there)
  if (remote !== null)
    return { what, remedy: `it is on ${remote}, whose locks may reach one machine only: use a local disk` }
  if (there !== dataDir) return { what: `${what}, which the server makes`, remedy: null }
  // To take the lock would make its file.
  if (!(await namesIn(dataDir)).includes("owner.lock")) return { what, remedy: null }
  try {
    await (await acquireDirectory(dataDir)).release()
    return { what, remedy: null }
  } catch {
    return { what: `${what}, in use by ${await holderOf(dataDir, nodeFsCalls)}`, remedy: null }
  }
}

async function databaseFindings(storeVersions: () => Promise<readonly StoreVersion[]>): Promise<Finding[]> {
  try {
    return (await storeVersions()).map(databaseFinding)
  } catch (error) {
    return [{ what: "documents in LF_DATABASE_URL", remedy: toLfError(error, "LOG_FAILED").message }]
  }
}

function databaseFinding(one: StoreVersion): Finding {
  const what = `documents in ${one.address}`
  if ("error" in one)
    return { what, remedy: `${one.error.message}: is the database running, and is LF_DATABASE_URL right?` }
  const { version, needed } = one
  if (version === null) return { what: `${what}, whose tables the first server makes`, remedy: null }
  const remedy =
    version < needed
      ? `this lf needs version ${needed}: end servers of the release before, then run npx lf migrate-store`
      : `this lf knows version ${needed}: update lf`
  return { what: `${what}, version ${version}`, remedy: version === needed ? null : remedy }
}

/** The route over plain HTTP, then as a browser of that origin opens it. */
async function serverFindings(url: string): Promise<Finding[]> {
  const at = URL.canParse(url) ? new URL(url) : null
  if (at === null || !/^https?:$/.test(at.protocol))
    return [{ what: url, remedy: "expected a url such as https://app.example.com" }]
  if (at.pathname === "/") at.pathname = "/api/lf"
  const health = await healthFinding(at)
  return [health, await socketFinding(at)]
}

async function healthFinding(at: URL): Promise<Finding> {
  const what = `GET ${at.href}`
  try {
    const response = await fetch(at, { signal: AbortSignal.timeout(ANSWER_MS_MAX) })
    const body = (await response.json().catch(() => null)) as Record<string, unknown> | null
    if (body === null || body.ok === undefined)
      return { what, remedy: `answered ${response.status} without lf's answer: look at the route file and the path` }
    if (body.ok !== true) return { what, remedy: `${String(body.code)}: ${String(body.message)}` }
    if (body.protocol === PROTOCOL_VERSION) return { what, remedy: null }
    return { what, remedy: `speaks protocol ${String(body.protocol)}, this lf ${PROTOCOL_VERSION}: deploy again` }
  } catch (error) {
    return { what, remedy: `no answer (${causeOf(error)}): is the server running, and is the address right?` }
  }
}

async function socketFinding(at: URL): Promise<Finding> {
  const address = at.href.replace(/^http/, "ws")
  const socket = new WebSocket(address, { origin: at.origin, handshakeTimeout: ANSWER_MS_MAX })
  const remedy = await new Promise<string | null>((resolve) => {
    socket.once("open", () => resolve(null))
    socket.once("unexpected-response", (_request, { statusCode = 0 }) => resolve(remedyOf(statusCode)))
    socket.once("error", (error) => resolve(`no WebSocket (${causeOf(error)}): see the line above`))
  })
  // A handshake that was refused is an error once more.
  socket.on("error", () => {})
  socket.terminate()
  return { what: `WebSocket ${address}`, remedy }
}

function remedyOf(status: number): string {
  if (status === 403)
    return "answered 403: list the page's origin in createLf({ origins }), its host in `hosts`, and let the proxy keep the Host header"
  if (status === 429) return "answered 429: too many connections of one address; behind a proxy set `trustProxy`"
  return `answered ${status}: let the proxy pass Upgrade and Connection on for this path, with HTTP/1.1`
}

function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error ? error.cause.message : error.message
}

/** In the app's directory or above it, where a monorepo has its packages. */
async function versionIn(directory: string, name: string): Promise<string | null> {
  const text = await textOf(join(directory, "node_modules", name, "package.json"))
  try {
    return String(JSON.parse(text).version)
  } catch {
    const above = dirname(directory)
    return above === directory ? null : await versionIn(above, name)
  }
}

function isAtLeast(version: string, min: readonly number[]): boolean {
  const parts = version.split(".").map(Number)
  for (const [i, least] of min.entries()) if (parts[i] !== least) return parts[i] > least
  return true
}

/** The directory itself, or the nearest one above it that is there. */
async function nearest(directory: string): Promise<string> {
  try {
    await access(directory)
    return directory
  } catch {
    const above = dirname(directory)
    return above === directory ? directory : await nearest(above)
  }
}

async function namesIn(directory: string): Promise<string[]> {
  return await readdir(directory).catch(() => [])
}

async function textOf(path: string): Promise<string> {
  return await readFile(path, "utf8").catch(() => "")
}
