import { LfError } from "@lf/core"
import type { Ownership } from "../port.ts"

/** The same in every version of the app (T20). */
const CHANNEL = "lf/1/handover"
const ASK_AGAIN_MS = 500
/** An owner that answers nothing for so long is frozen. */
const SILENT_OWNER_MS_MAX = 2_000

interface Handover {
  readonly type: "ask" | "refuse"
  readonly name: string
  /** The number of migrations in the sender's code: fewer is older. */
  readonly migrations: number
  /** The sender's own address; versions before it have none. */
  readonly script?: string
}

/** `isTwin`: the asking worker runs the same script. */
type OnAsked = (migrations: number, isTwin: boolean) => boolean

/**
 * Owns `name` by a Web Lock. Its holder, for instance an older worker that outlives its tabs after a deploy, is asked
 * to flush and release; the request is repeated until the lock is granted, or taken by force from a holder that is silent.
 * @throws SCHEMA_NEWER when the holder's code is newer than ours
 */
export async function own(
  name: string,
  options: { migrations: number; onAsked: OnAsked; takesByForce: boolean },
): Promise<Ownership> {
  const { migrations, onAsked, takesByForce } = options
  const channel = new BroadcastChannel(CHANNEL)
  const script = location.href
  const send = (type: Handover["type"]) => channel.postMessage({ type, name, migrations, script } satisfies Handover)
  const giveUp = new AbortController()
  let release: () => void = () => {}
  const held = new Promise<void>((resolve) => {
    release = resolve
  })
  const asking = setInterval(() => send("ask"), ASK_AGAIN_MS)
  let forcing: ReturnType<typeof setTimeout> | undefined
  try {
    await new Promise<void>((resolve, reject) => {
      const granted = () => {
        resolve()
        return held
      }
      channel.onmessage = ({ data }: MessageEvent<Handover>) => {
        if (data.type !== "refuse" || data.name !== name) return
        clearTimeout(forcing)
        if (data.migrations <= migrations) return
        reject(new LfError("SCHEMA_NEWER", "a newer version of the app has this document; load this page again"))
        giveUp.abort()
      }
      navigator.locks.request(name, { signal: giveUp.signal }, granted).catch(reject)
      send("ask")
      if (!takesByForce) return
      forcing = setTimeout(() => {
        navigator.locks.request(name, { steal: true }, granted).catch(() => {}) // taken from us in turn: the log's fence says so
      }, SILENT_OWNER_MS_MAX)
    })
  } catch (error) {
    channel.close()
    throw error
  } finally {
    clearInterval(asking)
    clearTimeout(forcing)
  }
  channel.onmessage = ({ data }: MessageEvent<Handover>) => {
    if (data.type !== "ask" || data.name !== name) return
    if (onAsked(data.migrations, data.script === script)) channel.onmessage = null
    else send("refuse")
  }
  return {
    release() {
      channel.close()
      release()
    },
  }
}

/** Owns `name` once its holder releases it; the holder is not asked. Rejects when `signal` aborts before. */
export function ownWhenFree(name: string, signal: AbortSignal): Promise<Ownership> {
  return new Promise((resolve, reject) => {
    navigator.locks.request(name, { signal }, () => new Promise<void>((release) => resolve({ release }))).catch(reject)
  })
}

/**
 * Takes a lock of its own until this tab or worker ends: the browser releases it however that happens. Returns its
 * name once it is held: a watcher that knew the name earlier would find it free.
 */
export async function holdLivenessLock(): Promise<string | null> {
  if (!("locks" in navigator)) return null
  const name = `lf/1/life/${crypto.randomUUID()}`
  await new Promise<void>((resolve, reject) => {
    navigator.locks
      .request(name, () => {
        resolve()
        return new Promise(() => {})
      })
      .catch(reject)
  })
  return name
}

/** Calls `onGone` when the holder of `lock` is gone: closed, crashed or killed. */
export function watchLivenessLock(lock: string, onGone: () => void): () => void {
  const stop = new AbortController()
  navigator.locks.request(lock, { signal: stop.signal }, () => onGone()).catch(() => {}) // aborted: no longer watched
  return () => stop.abort()
}
