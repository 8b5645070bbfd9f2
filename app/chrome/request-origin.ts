import { headers } from "next/headers"

/** Where the browser, or what fetches a preview, has this page from: by its proxy's account, which Next fills in without one. */
export async function requestOrigin(): Promise<string> {
  if (process.env.LF_ORIGIN) return process.env.LF_ORIGIN
  const sent = await headers()
  const host = sent.get("x-forwarded-host") ?? sent.get("host") ?? ""
  const protocol = sent.get("x-forwarded-proto")?.split(",")[0] === "https" ? "https" : "http"
  try {
    return new URL(`${protocol}://${host}`).origin
  } catch {
    return ""
  }
}
