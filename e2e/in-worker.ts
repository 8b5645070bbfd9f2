import type { BrowserContext } from "@playwright/test"
import { passOn } from "./pass-on.ts"

export const WORKER = /\/_next\/static\/chunks\/turbopack-worker-/

/**
 * Runs `code` in the worker of the app at `origin` before anything else: an init script does not reach a SharedWorker.
 * The context must block service workers, so that its routes are asked.
 */
export async function inWorker(context: BrowserContext, origin: string, code: string): Promise<void> {
  // A test's script has no address: without this Chromium denies it the local server.
  await context.grantPermissions(["local-network-access"], { origin })
  await context.route(WORKER, (route) =>
    passOn(route, async (response) => ({ body: `${code};\n${await response.text()}` })),
  )
}
