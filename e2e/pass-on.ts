import type { APIResponse, Route } from "@playwright/test"

type Change = (response: APIResponse) => Promise<{ body?: string; headers?: Record<string, string> }>

/**
 * Answers as the server at `url` does, changed. Where that cannot be the request fails, as without a network: the page may
 * be closed meanwhile, or the server have ended, and neither is a failure of the test.
 */
export async function passOn(route: Route, change: Change, url = route.request().url()): Promise<void> {
  try {
    const response = await route.fetch({ url })
    await route.fulfill({ response, ...(await change(response)) })
  } catch {
    await route.abort().catch(() => {}) // its page is closed
  }
}
