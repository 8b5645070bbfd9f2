/** A copy, as a port makes it. Jest's environments clone into another realm, where no bytes are a `Uint8Array` of the test's. */
export function cloneMessage(message: unknown): unknown {
  return isOwnRealm ? structuredClone(message) : copyOf(message, new Map())
}

const isOwnRealm = typeof structuredClone === "function" && structuredClone(new Uint8Array(0)) instanceof Uint8Array

function copyOf(value: unknown, known: Map<object, unknown>): unknown {
  if (typeof value === "function" || typeof value === "symbol")
    throw new DOMException(`expected data, got a ${typeof value}: it could not be cloned`, "DataCloneError")
  if (typeof value !== "object" || value === null) return value
  const copied = known.get(value)
  if (copied !== undefined) return copied
  if (value instanceof Date) return new Date(value.getTime())
  if (ArrayBuffer.isView(value)) {
    return new Uint8Array(value.buffer as ArrayBuffer, value.byteOffset, value.byteLength).slice()
  }
  const copy: unknown[] | Record<string, unknown> = Array.isArray(value) ? [] : {}
  known.set(value, copy)
  for (const [key, inner] of Object.entries(value)) (copy as Record<string, unknown>)[key] = copyOf(inner, known)
  return copy
}
