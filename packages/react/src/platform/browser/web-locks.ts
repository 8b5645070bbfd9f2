import { LfError } from "@lf/core"
import type { Ownership } from "../port.ts"

/** Versions of the app differ, these names never do (T20). */
const CHANNEL = "lf/1/handover"
const ASK_AGAIN_MS = 500

interface Handover {
  readonly type: "ask" | "refuse"
  readonly name: string
  /** How many migrations the sender's code knows: fewer is older. */
  readonly migrations: number
}

/**
 * Owns `name` by a Web Lock. Whoever holds it, an older worker that outlives its tabs after a deploy say, is asked to
 * flush and let go; the question is repeated until the lock is ours.
 * @throws SCHEMA_NEWER when the holder's code is newer than ours
 */
export async function own(
  name: string,
  options: { migrations: number; onAsked: (migrations: number) => boolean },
): Promise<Ownership> {
  const { migrations, onAsked } = options
  const channel = new BroadcastChannel(CHANNEL)
  const tell = (type: Handover["type"]) => channel.postMessage({ type, name, migrations } satisfies Handover)
  const giveUp = new AbortController()
  let release: () => void = () => {}
  const held = new Promise<void>((resolve) => {
    release = resolve
  })
  const timer = setInterval(() => tell("ask"), ASK_AGAIN_MS)
  try {
    await new Promise<void>((resolve, reject) => {
      channel.onmessage = ({ data }: MessageEvent<Handover>) => {
        if (data.type !== "refuse" || data.name !== name || data.migrations <= migrations) return
        reject(new LfError("SCHEMA_NEWER", "a newer version of the app has this document; load this page again"))
        giveUp.abort()
      }
      navigator.locks
        .request(name, { signal: giveUp.signal }, () => {
          resolve()
          return held
        })
        .catch(reject)
      tell("ask")
    })
  } catch (error) {
    channel.close()
    throw error
  } finally {
    clearInterval(timer)
  }
  channel.onmessage = ({ data }: MessageEvent<Handover>) => {
    if (data.type !== "ask" || data.name !== name) return
    if (onAsked(data.migrations)) channel.onmessage = null
    else tell("refuse")
  }
  return {
    release() {
      channel.close()
      release()
    },
  }
}

/** Owns `name` once its holder lets go by itself: nobody is asked. Rejects when `signal` aborts before. */
export function ownWhenFree(name: string, signal: AbortSignal): Promise<Ownership> {
  return new Promise((resolve, reject) => {
    navigator.locks.request(name, { signal }, () => new Promise<void>((release) => resolve({ release }))).catch(reject)
  })
}

/**
 * Takes a lock of its own, for as long as this tab or worker lives: the browser lets go of it however that ends. Its
 * name, once it is held: told sooner, whoever watches would find it free.
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
  navigator.locks.request(lock, { signal: stop.signal }, () => onGone()).catch(() => {}) // aborted: nobody asks any more
  return () => stop.abort()
}
