/** `next build` loads every module to look at it: nothing may be opened, locked or patched then. */
export function isBuilding(): boolean {
  return process.env.NEXT_PHASE === "phase-production-build"
}

/** Only what is known to be development shows what errors say. */
export function isDevelopment(): boolean {
  return process.env.NODE_ENV === "development"
}

export function isProduction(): boolean {
  return process.env.NODE_ENV === "production"
}
