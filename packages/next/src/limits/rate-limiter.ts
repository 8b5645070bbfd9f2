/** A key's tokens as they were at `atMs`. */
interface Bucket {
  tokens: number
  atMs: number
}

export interface RateLimiterOptions {
  readonly perSecond: number
  /** What a key may take at once after a pause. */
  readonly burst: number
  readonly keysMax: number
  nowMs(): number
}

/** Token buckets by key. Taking always succeeds and may leave a debt: the caller waits until it is paid (S7). */
export class RateLimiter {
  readonly #options: RateLimiterOptions
  /** The longest unused first. */
  readonly #buckets = new Map<string, Bucket>()

  constructor(options: RateLimiterOptions) {
    this.#options = options
  }

  get size(): number {
    return this.#buckets.size
  }

  /** Takes `count` tokens; returns how many milliseconds until the key's debt is paid. */
  take(key: string, count: number): number {
    const { perSecond } = this.#options
    const bucket = this.#refilled(key)
    bucket.tokens -= count
    return bucket.tokens >= 0 ? 0 : (-bucket.tokens / perSecond) * 1000
  }

  /** Takes one token if there is one. */
  tryTake(key: string): boolean {
    const bucket = this.#refilled(key)
    if (bucket.tokens < 1) return false
    bucket.tokens--
    return true
  }

  #refilled(key: string): Bucket {
    const { perSecond, burst, keysMax } = this.#options
    const nowMs = this.#options.nowMs()
    const bucket = this.#buckets.get(key) ?? { tokens: burst, atMs: nowMs }
    bucket.tokens = Math.min(burst, bucket.tokens + ((nowMs - bucket.atMs) / 1000) * perSecond)
    bucket.atMs = nowMs
    this.#buckets.delete(key)
    this.#buckets.set(key, bucket)
    if (this.#buckets.size > keysMax) {
      for (const oldest of this.#buckets.keys()) {
        this.#buckets.delete(oldest)
        break
      }
    }
    return bucket
  }
}
