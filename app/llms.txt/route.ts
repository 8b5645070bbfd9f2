import { llmsText } from "../../scripts/docs/llms.mjs"

export const dynamic = "force-static"

export function GET() {
  return new Response(llmsText((slug) => `/docs/${slug}`))
}
