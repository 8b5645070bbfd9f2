import type { DocumentStore, OpenedLog, StoredDocument, StoredLog } from "@lf/core/internal"
import { acquireDirectory, openFsLog, readFsLog } from "../node/fs-log.ts"
import { docDirectory, isStored, removeDirectory } from "./document-directory.ts"
import { listDocuments } from "./stored-documents.ts"

/** The documents of a data directory, which one process owns. */
export class FileStore implements DocumentStore {
  readonly name: string
  readonly peers = null
  readonly #onRemote: (detail: string) => void
  #ownership: Promise<{ release(): Promise<void> }> | null = null

  /** `dataDir` is absolute. `onRemote` is called when it is on a disk of another machine, whose locks may not hold. */
  constructor(dataDir: string, onRemote: (detail: string) => void = () => {}) {
    this.name = dataDir
    this.#onRemote = onRemote
  }

  async begin(): Promise<void> {
    this.#ownership ??= acquireDirectory(this.name, this.#onRemote)
    try {
      await this.#ownership
    } catch (error) {
      this.#ownership = null
      throw error
    }
  }

  async has(docId: string): Promise<boolean> {
    return await isStored(docDirectory(this.name, docId))
  }

  async open(docId: string): Promise<OpenedLog> {
    return await openFsLog(docDirectory(this.name, docId))
  }

  async read(docId: string): Promise<StoredLog | null> {
    return await readFsLog(docDirectory(this.name, docId))
  }

  async delete(docId: string): Promise<void> {
    await removeDirectory(docDirectory(this.name, docId))
  }

  async list(): Promise<StoredDocument[]> {
    return (await listDocuments(this.name)) ?? []
  }

  async close(): Promise<void> {
    const ownership = await this.#ownership?.catch(() => null)
    await ownership?.release()
  }
}
