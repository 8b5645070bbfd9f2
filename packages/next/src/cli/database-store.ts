import { createRequire } from "node:module"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { LfError } from "@lf/core"
import type { DocumentStore } from "@lf/core/internal"

export interface DatabaseStore extends DocumentStore {
  migrate(): Promise<{ readonly from: number; readonly to: number }>
}

/** What this needs of @lf/postgres, which only apps with a database install. */
interface PostgresPackage {
  postgresStore(options: { readonly connectionString: string; readonly namespace?: string }): DatabaseStore
}

/** The documents of $LF_DATABASE_URL; null: it is not set. Nothing is connected to yet. @throws LOG_FAILED TypeError */
export async function databaseStore(namespace: string | undefined): Promise<DatabaseStore | null> {
  const connectionString = process.env.LF_DATABASE_URL
  if (!connectionString) return null
  const { postgresStore } = await postgresPackage()
  return postgresStore({ connectionString, ...(namespace !== undefined && { namespace }) })
}

async function postgresPackage(): Promise<PostgresPackage> {
  try {
    const path = createRequire(join(process.cwd(), "package.json")).resolve("@lf/postgres")
    return (await import(pathToFileURL(path).href)) as PostgresPackage // of the same release
  } catch (cause) {
    throw new LfError("LOG_FAILED", "@lf/postgres is not installed here; run: npm install @lf/postgres", { cause })
  }
}
