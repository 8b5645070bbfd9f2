/** Opens the server side before the first request, and fills a new tracker. Never while `next build` looks around. */
export async function register(): Promise<void> {
  if (process.env.NEXT_RUNTIME !== "nodejs" || process.env.NEXT_PHASE === "phase-production-build") return
  const { seedTracker } = await import("./lf.server")
  await seedTracker()
}
