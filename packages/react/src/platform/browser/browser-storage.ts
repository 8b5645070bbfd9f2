import type { CheckpointFiles } from "./opfs-checkpoint.ts"

const ROOT = "lf"

/** The browser's storage APIs. */
export interface BrowserStorage {
  /** Null where there is none, as in a sandboxed frame. */
  readonly indexedDB: IDBFactory | null
  /** A folder of files; null where OPFS is missing or cannot be written from here. */
  files(folder: string): Promise<CheckpointFiles | null>
  /** Removes a folder with all its content; succeeds when it does not exist. */
  removeFiles(folder: string): Promise<void>
  /** Whether this is known to be a private window: what it keeps is gone when its last one is closed. */
  isPrivate(): Promise<boolean>
}

/** This browser's own storage. */
export function browserStorage(): BrowserStorage {
  return { indexedDB: ownIndexedDb(), files: openFolder, removeFiles: removeFolder, isPrivate }
}

function ownIndexedDb(): IDBFactory | null {
  try {
    return globalThis.indexedDB ?? null
  } catch {
    // Reading the property throws where storage is forbidden.
    return null
  }
}

async function openFolder(folder: string): Promise<CheckpointFiles | null> {
  // Older Safari has OPFS but writes it only through handles that a SharedWorker does not get.
  if (!("FileSystemFileHandle" in globalThis) || !("createWritable" in FileSystemFileHandle.prototype)) return null
  try {
    const root = await (await navigator.storage.getDirectory()).getDirectoryHandle(ROOT, { create: true })
    return opfsFiles(await root.getDirectoryHandle(folder, { create: true }))
  } catch {
    return null
  }
}

async function removeFolder(folder: string): Promise<void> {
  try {
    const root = await (await navigator.storage.getDirectory()).getDirectoryHandle(ROOT)
    await root.removeEntry(folder, { recursive: true })
  } catch (error) {
    // No OPFS, or nothing in it. Other errors are thrown: the caller promised that the data is deleted.
    const isNothing = errorName(error) === "NotFoundError" || errorName(error) === "SecurityError"
    if (!isNothing && "FileSystemFileHandle" in globalThis) throw error
  }
}

/** Private windows of Firefox have IndexedDB and refuse OPFS. Private windows of other browsers show no difference. */
async function isPrivate(): Promise<boolean> {
  if (!("FileSystemFileHandle" in globalThis)) return false
  try {
    await navigator.storage.getDirectory()
    return false
  } catch (error) {
    return errorName(error) === "SecurityError"
  }
}

function opfsFiles(directory: FileSystemDirectoryHandle): CheckpointFiles {
  return {
    names: async () => {
      const names: string[] = []
      for await (const name of directory.keys()) names.push(name)
      return names
    },
    read: async (name) => {
      try {
        const file = await (await directory.getFileHandle(name)).getFile()
        return new Uint8Array(await file.arrayBuffer())
      } catch (error) {
        if (errorName(error) === "NotFoundError") return null
        throw error
      }
    },
    write: async (name, parts) => {
      const writable = await (await directory.getFileHandle(name, { create: true })).createWritable()
      try {
        for (const part of parts) await writable.write(part)
        await writable.close()
      } catch (error) {
        await writable.abort().catch(() => {})
        throw error
      }
    },
    remove: async (name) => {
      try {
        await directory.removeEntry(name)
      } catch (error) {
        if (errorName(error) !== "NotFoundError") throw error
      }
    },
  }
}

/** The name of a DOMException; "" for anything else. */
export function errorName(error: unknown): string {
  return typeof error === "object" && error !== null && "name" in error ? String(error.name) : ""
}
