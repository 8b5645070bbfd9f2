interface Claim {
  grant(): void
  lose(): void
}

/** Web Locks of one origin for a test: granted in the order of requests, given up, released and stolen. */
export class PageLocks {
  /** By name: the holder, then those who wait. */
  readonly #lines = new Map<string, Claim[]>()

  readonly request = (
    name: string,
    { signal, steal = false }: { signal?: AbortSignal; steal?: boolean },
    granted: () => unknown,
  ): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const line = this.#lines.get(name) ?? []
      this.#lines.set(name, line)
      const leave = () => {
        const place = line.indexOf(claim)
        if (place >= 0) line.splice(place, 1)
        if (place === 0) line[0]?.grant()
      }
      const claim: Claim = {
        grant: () => void Promise.resolve(granted()).then(resolve, reject).finally(leave),
        lose: () => reject(new DOMException("stolen", "AbortError")),
      }
      if (steal) {
        line.shift()?.lose()
        line.unshift(claim)
        claim.grant()
        return
      }
      line.push(claim)
      signal?.addEventListener("abort", () => {
        if (line[0] === claim) return
        leave()
        reject(new DOMException("given up", "AbortError"))
      })
      if (line[0] === claim) claim.grant()
    })

  /** The holder's process is gone. */
  holderDied(name: string): void {
    const line = this.#lines.get(name) ?? []
    line.shift()
    line[0]?.grant()
  }

  waitingFor(name: string): number {
    return Math.max(0, (this.#lines.get(name)?.length ?? 0) - 1)
  }
}
