import type { LfError } from "@lf/core"
import { connectionsTo } from "./connection.ts"
import { readVersion, STORE_VERSION } from "./schema.ts"
import { toStoreError } from "./store-error.ts"

/** What a database says of its tables. */
export type StoreVersion =
  | {
      /** Without user and password. */
      readonly address: string
      /** Null: it has no tables of lf yet. */
      readonly version: number | null
      /** The version that this code reads and writes. */
      readonly needed: number
    }
  | { readonly address: string; readonly error: LfError }

/** Asks each database for the version of its tables, and makes none. For `lf doctor`. */
export async function storeVersions(shards: readonly string[]): Promise<StoreVersion[]> {
  return await Promise.all(shards.map(versionOf))
}

async function versionOf(connectionString: string): Promise<StoreVersion> {
  let address = "postgres://…"
  try {
    const connections = connectionsTo(connectionString)
    address = connections.address
    try {
      return { address, version: (await readVersion(connections.appends)) ?? null, needed: STORE_VERSION }
    } finally {
      await connections.end()
    }
  } catch (error) {
    return { address, error: toStoreError(error, "its version was read") }
  }
}
