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

/** What this needs of @lf/postgres, which only apps with a database install. */
interface PostgresPackage {
  postgresStore(options: { readonly shards: readonly string[]; readonly namespace?: string }): DatabaseStore
}

/**
 * The documents of $LF_DATABASE_URL: one database, or several with spaces between them. Null: it is not set. Nothing is connected to yet.
 * @throws LOG_FAILED TypeError
 */
export async function databaseStore(namespace: string | undefined): Promise<DatabaseStore | null> {
  const shards = (process.env.LF_DATABASE_URL ?? "").split(/\s+/).filter((one) => one !== "")
  if (shards.length === 0) return null
  const { postgresStore } = await postgresPackage()
  return postgresStore({ shards, ...(namespace !== undefined && { namespace }) })
}

async function postgresPackage(): Promise<PostgresPackage> {
  try {
    const path = createRequire(join(process.cwd(), "package.json")).resolve("@lf/postgres")
    return (await import(pathToFileURL(path).href)) as PostgresPackage // of the same release
  } catch (cause) {
    throw new LfError("LOG_FAILED", "@lf/postgres is not installed here; run: npm install @lf/postgres", { cause })
  }
}
