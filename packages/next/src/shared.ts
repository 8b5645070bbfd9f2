/**
 * One value per process under `name`. Next gives page and route bundles their own copies of a module, so what they share
 * lives on globalThis. Use its methods, never `instanceof`: its class is another copy's.
 */
export function shared<T extends object>(name: string, make: () => T): T {
  // Symbols on globalThis have no type of their own; a name is only ever used with one type.
  const slots = globalThis as unknown as Record<symbol, T | undefined>
  const key = Symbol.for(`lf.${name}`)
  slots[key] ??= make()
  return slots[key]
}

/** `next build` loads every module to look at it: nothing may be opened, locked or patched then. */
export function isBuilding(): boolean {
  return process.env.NEXT_PHASE === "phase-production-build"
}

export function isProduction(): boolean {
  return process.env.NODE_ENV === "production"
}

/** Lines per minute; what visitors can cause must not fill a disk (I17). */
const REPORTS_PER_MINUTE_MAX = 600

/** One line for whoever runs the server. Never arguments, tokens or SQL parameters (S16). */
export function report(line: string): void {
  const minute = shared("reports", () => ({ sinceMs: performance.now(), lines: 0 }))
  const nowMs = performance.now()
  if (nowMs - minute.sinceMs >= 60_000) Object.assign(minute, { sinceMs: nowMs, lines: 0 })
  minute.lines++
  if (minute.lines > REPORTS_PER_MINUTE_MAX) return
  const more = minute.lines === REPORTS_PER_MINUTE_MAX ? " (what follows in this minute is left out)" : ""
  process.stderr.write(`lf: ${oneLine(line)}${more}\n`)
}

/** One event is one line, whatever is quoted in it: control characters are written out. */
function oneLine(text: string): string {
  return text.replaceAll(/[\p{Cc}\u2028\u2029]/gu, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`)
}
