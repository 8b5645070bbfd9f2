/** What one execution may ask for: an attacker's length must be paid for with bytes. */
const BYTES_PER_BYTE = 64
const BYTES_BESIDE = 2 * 1024 * 1024
/** Refused at once, so that the machine does not run out of memory. */
const BYTES_NEVER = 2 ** 30

/** True if `bytes` asked for are more than `inputBytes` can pay for. */
export function isTooMuch(bytes: number, inputBytes: number): boolean {
  return bytes > inputBytes * BYTES_PER_BYTE + BYTES_BESIDE
}

/** The bytes of every Uint8Array that is made by its size while `run` runs, also of those that are gone when it is done. */
export async function allocatedBy<T>(run: () => Promise<T>): Promise<{ value: T; bytes: number }> {
  const original = globalThis.Uint8Array
  let bytes = 0
  const counting: Uint8ArrayConstructor = new Proxy(original, {
    construct(target, args, newTarget) {
      if (typeof args[0] === "number") bytes += args[0]
      if (bytes > BYTES_NEVER) throw new Error(`${bytes} bytes were asked for`)
      return Reflect.construct(target, args, newTarget === counting ? target : newTarget)
    },
  })
  globalThis.Uint8Array = counting
  try {
    const value = await run()
    return { value, bytes }
  } finally {
    globalThis.Uint8Array = original
  }
}
