import { rm } from "node:fs/promises"
import { join } from "node:path"
import { acquireDirectory } from "../node/fs-log.ts"
import { namesIn } from "./stored-documents.ts"

/**
 * Deletes every document below a data directory, and nothing else. Returns how many; null: it is not a data
 * directory, and nothing was changed. Browsers with a copy send what is pending and take the new document.
 * @throws SERVER_DIRECTORY_OWNED while a server uses it
 */
export async function resetDirectory(dataDir: string): Promise<number | null> {
  const docs = join(dataDir, "docs")
  const names = await namesIn(docs)
  if (names === null) return null
  const lock = await acquireDirectory(dataDir)
  try {
    await rm(docs, { recursive: true })
  } finally {
    await lock.release()
  }
  // Deletes what a restore put aside too; it does not count as a document.
  return names.filter((name) => !name.includes(".")).length
}
