import type { Ownership } from "../port.ts"

/** Web Locks in memory: one holder per name, the others in order of arrival. */
export class MemoryLocks {
  readonly #lines = new Map<string, (() => void)[]>()

  own(name: string, signal?: AbortSignal): Promise<Ownership> {
    if (signal?.aborted) return Promise.reject(signal.reason)
    const line = this.#lines.get(name) ?? []
    this.#lines.set(name, line)
    return new Promise((resolve, reject) => {
      let isReleased = false
      const leave = () => {
        line.splice(line.indexOf(grant), 1)
        line[0]?.()
      }
      const release = () => {
        if (!isReleased) leave()
        isReleased = true
      }
      const giveUp = () => {
        leave()
        reject(signal?.reason)
      }
      const grant = () => {
        signal?.removeEventListener("abort", giveUp)
        resolve({ release })
      }
      line.push(grant)
      signal?.addEventListener("abort", giveUp)
      if (line[0] === grant) grant()
    })
  }
}
