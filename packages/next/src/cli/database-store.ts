import { createRequire } from "node:module"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { LfError } from "@lf/core"
import type { DocumentStore } from "@lf/core/internal"

export interface DatabaseStore extends DocumentStore {
  migrate(): Promise<{ readonly from: number; readonly to: number }>
  rebalance(options: { readonly without: readonly string[]; readonly onProgress: (moved: number) => void }): Promise<{
    readonly moved: number
    readonly left: readonly { readonly document: string; readonly error: LfError }[]
    readonly shards: readonly string[]
  }>
}

export type StoreVersion =
  | { readonly address: string; readonly version: number | null; readonly needed: number }
  | { readonly address: string; readonly error: LfError }

/** What this needs of @lf/postgres, which only apps with a database install. */
interface PostgresPackage {
  postgresStore(options: { readonly shards: readonly string[]; readonly namespace?: string }): DatabaseStore
  storeVersions(shards: readonly string[]): Promise<StoreVersion[]>
}

/** The databases of $LF_DATABASE_URL, with spaces between them. None: it is not set, or blank. */
export function databaseUrls(): readonly string[] {
  return process.env.LF_DATABASE_URL?.match(/\S+/g) ?? []
}

/**
 * The documents of $LF_DATABASE_URL. Null: it is not set. Nothing is connected to yet.
 * @throws LOG_FAILED TypeError
 */
export async function databaseStore(namespace: string | undefined): Promise<DatabaseStore | null> {
  const shards = databaseUrls()
  if (shards.length === 0) return null
  const { postgresStore } = await postgresPackage()
  return postgresStore({ shards, ...(namespace !== undefined && { namespace }) })
}

/** Connects to each database and changes nothing. @throws LOG_FAILED */
export async function storeVersions(): Promise<StoreVersion[]> {
  const shards = databaseUrls()
  const { storeVersions } = await postgresPackage()
  return await storeVersions(shards)
}

/** What opens a database makes its tables. One that does not answer says so when it is used. @throws LOG_FAILED where it has none */
export async function checkDatabases(): Promise<void> {
  for (const one of await storeVersions()) {
    if ("error" in one || one.version !== null) continue
    throw new LfError(
      "LOG_FAILED",
      `expected documents in ${one.address}, got a database without tables of lf: set LF_DATABASE_URL, or run: npx lf migrate-store`,
    )
  }
}

async function postgresPackage(): Promise<PostgresPackage> {
  try {
    const path = createRequire(join(process.cwd(), "package.json")).resolve("@lf/postgres")
    return (await import(pathToFileURL(path).href)) as PostgresPackage // of the same release
  } catch (cause) {
    throw new LfError("LOG_FAILED", "@lf/postgres is not installed here; run: npm install @lf/postgres", { cause })
  }
}
