import { errorName } from "./browser-storage.ts"

// The log's name for each key. A log that was never moved has its key as name; one that was given to another user (T26)
// keeps its name, and both keys get new names stored here, in one transaction. So a move is atomic and copies nothing.

const NAME = "lf/1/places"
const FORMAT = 1
const DIRECTORIES = "places"

export async function logDirectoryOf(factory: IDBFactory, key: string): Promise<string> {
  const directory = await read(factory, key)
  return typeof directory === "string" ? directory : key
}

/** The names of all logs that were moved, by key. */
export async function readDirectories(factory: IDBFactory): Promise<ReadonlyMap<string, string>> {
  const directories = new Map<string, string>()
  const db = await openExisting(factory, NAME)
  if (db === null) return directories
  try {
    const store = db.transaction(DIRECTORIES).objectStore(DIRECTORIES)
    const [keys, values] = await Promise.all([requestDone(store.getAllKeys()), requestDone(store.getAll())])
    values.forEach((value: unknown, i) => {
      if (typeof value === "string") directories.set(String(keys[i]), value)
    })
    return directories
  } finally {
    db.close()
  }
}

/** When `moveLogDirectory` last moved a log away from `key`, in ms; null: never. */
export async function readMovedMs(factory: IDBFactory, key: string): Promise<number | null> {
  const movedMs = await read(factory, movedKey(key))
  return typeof movedMs === "number" ? movedMs : null
}

const movedKey = (key: string) => `moved ${key}`

/** Creates nothing, so it works on a full disk. */
async function read(factory: IDBFactory, key: string): Promise<unknown> {
  const db = await openExisting(factory, NAME)
  if (db === null) return undefined
  try {
    return await requestDone(db.transaction(DIRECTORIES).objectStore(DIRECTORIES).get(key))
  } finally {
    db.close()
  }
}

/** Afterwards `to` has the log of `from`, and `from` has none. The caller deletes the log of `to` before. */
export async function moveLogDirectory(factory: IDBFactory, from: string, to: string): Promise<void> {
  const request = factory.open(NAME, FORMAT)
  request.onupgradeneeded = () => request.result.createObjectStore(DIRECTORIES)
  const db = await requestDone(request)
  try {
    const transaction = db.transaction(DIRECTORIES, "readwrite", { durability: "strict" })
    const directories = transaction.objectStore(DIRECTORIES)
    const old = directories.get(from)
    old.onsuccess = () => {
      directories.put(old.result ?? from, to)
      // Never the key itself again: another user's log has that name.
      directories.put(`${from}/${crypto.randomUUID()}`, from)
      directories.put(Date.now(), movedKey(from))
    }
    await transactionDone(transaction)
  } finally {
    db.close()
  }
}

/** Null when there is none; creates none. */
export async function openExisting(factory: IDBFactory, name: string): Promise<IDBDatabase | null> {
  const request = factory.open(name)
  let isMissing = false
  request.onupgradeneeded = () => {
    isMissing = true
    request.transaction?.abort()
  }
  try {
    return await requestDone(request)
  } catch (error) {
    // Site data may be forbidden altogether: then there is none either.
    if (isMissing || isForbidden(error)) return null
    throw error
  }
}

/** Private windows and forbidden site data in some browsers: IndexedDB exists and refuses every call. */
export function isForbidden(error: unknown): boolean {
  return errorName(error) === "SecurityError" || errorName(error) === "InvalidStateError"
}

export function requestDone<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
  })
}

/** Settles at the transaction's own end: a request's success does not mean durability (I3). */
export function transactionDone(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve()
    transaction.onabort = () => reject(transaction.error ?? new Error("the transaction was aborted"))
  })
}
