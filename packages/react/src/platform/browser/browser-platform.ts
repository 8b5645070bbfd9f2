import type { Platform } from "../port.ts"
import { browserHost } from "./browser-host.ts"
import { browserNetwork } from "./browser-network.ts"
import { browserStorage } from "./browser-storage.ts"
import { openBrowserLog } from "./idb-log.ts"
import { loadSqlite } from "./load-sqlite.ts"
import {
  deleteBrowserLog,
  hasBrowserLog,
  moveBrowserLog,
  movedMsOf,
  readBrowserRecords,
  storedBrowserKeys,
} from "./stored-logs.ts"
import { holdLivenessLock, own, ownWhenFree, watchLivenessLock } from "./web-locks.ts"

/**
 * The browser's platform: IndexedDB and OPFS, Web Locks, WebSocket, wasm. `takesByForce`: a document's owner that does not
 * answer is frozen, and loses it.
 */
export function browserPlatform({ takesByForce = false } = {}): Platform {
  return {
    host: browserHost,
    loadSqlite,
    openLog: (key) => openBrowserLog({ key, storage: browserStorage() }),
    deleteLog: (key) => deleteBrowserLog(key),
    hasLog: (key) => hasBrowserLog(key),
    storedKeys: () => storedBrowserKeys(),
    readRecords: (key) => readBrowserRecords(key),
    moveLog: (from, to) => moveBrowserLog(from, to),
    movedMs: (key) => movedMsOf(key),
    network: (url) => browserNetwork(url),
    own: (name, options) => own(name, { ...options, takesByForce }),
    ownWhenFree,
    holdLivenessLock,
    watchLivenessLock,
  }
}
