/** Opens the server side before the first request, so that a socket may come first. Never while `next build` looks around. */
export async function register(): Promise<void> {
  if (process.env.NEXT_RUNTIME === "nodejs" && process.env.NEXT_PHASE !== "phase-production-build") {
    await import("./lf.server")
  }
}
