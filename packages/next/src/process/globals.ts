/**
 * One value per process under `name`. Next gives page and route bundles their own copies of a module, so shared values
 * are on globalThis. Use its methods, never `instanceof`: its class is another copy's.
 */
export function processGlobal<T extends object>(name: string, make: () => T): T {
  // Symbols on globalThis have no type of their own; a name is only ever used with one type.
  const slots = globalThis as unknown as Record<symbol, T | undefined>
  const key = Symbol.for(`lf.${name}`)
  slots[key] ??= make()
  return slots[key]
}
