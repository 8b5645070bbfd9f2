// IndexedDB and OPFS without lf: one strict put as the floor of durability, and what lf has stored, read as bytes.

const CHECKPOINT_STORE = "meta"
const GROUPS = "groups"

/** Resolves to a function that puts so many bytes, strictly durable, and answers the milliseconds. */
export async function strictPut(bytes) {
  const db = await opened("bench-strict", (db) => db.createObjectStore("puts", { autoIncrement: true }))
  const value = crypto.getRandomValues(new Uint8Array(bytes))
  return async () => {
    const startedMs = performance.now()
    const transaction = db.transaction("puts", "readwrite", { durability: "strict" })
    transaction.objectStore("puts").put(value)
    await new Promise((resolve, reject) => {
      transaction.oncomplete = resolve
      transaction.onabort = () => reject(transaction.error)
    })
    return performance.now() - startedMs
  }
}

/** What lf writes for a mutation: the smallest of the last groups, which are mutations and the pages that came back. */
export async function lastGroupBytes() {
  const groups = (await lfDatabases()).map(({ groups }) => groups).find((all) => all.length > 0)
  return Math.min(...groups.slice(-4).map(({ byteLength }) => byteLength))
}

/** Reads all that lf has stored in this browser. Resolves to its bytes. */
export async function readStored() {
  let bytes = 0
  for (const { groups, meta } of await lfDatabases()) {
    for (const value of [...groups, ...meta]) bytes += value?.byteLength ?? 0
  }
  return bytes + (await readFiles(await navigator.storage.getDirectory()))
}

async function readFiles(directory) {
  let bytes = 0
  for await (const entry of directory.values()) {
    bytes +=
      entry.kind === "directory" ? await readFiles(entry) : (await (await entry.getFile()).arrayBuffer()).byteLength
  }
  return bytes
}

async function lfDatabases() {
  const contents = []
  for (const { name } of await indexedDB.databases()) {
    const db = await opened(name)
    if (db.objectStoreNames.contains(GROUPS)) {
      const stores = db.transaction([GROUPS, CHECKPOINT_STORE])
      const all = (store) => done(stores.objectStore(store).getAll())
      const [groups, meta] = await Promise.all([all(GROUPS), all(CHECKPOINT_STORE)])
      contents.push({ groups, meta })
    }
    db.close()
  }
  return contents
}

function opened(name, upgrade = () => {}) {
  const request = indexedDB.open(name)
  request.onupgradeneeded = () => upgrade(request.result)
  return done(request)
}

function done(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
  })
}
