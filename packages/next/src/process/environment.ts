/** `next build` evaluates every module: nothing may be opened, locked or patched then. */
export function isBuilding(): boolean {
  return process.env.NEXT_PHASE === "phase-production-build"
}

/** Error details are shown only in what is known to be development. */
export function isDevelopment(): boolean {
  return process.env.NODE_ENV === "development"
}

export function isProduction(): boolean {
  return process.env.NODE_ENV === "production"
}
