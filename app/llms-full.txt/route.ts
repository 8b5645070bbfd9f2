import { llmsFullText } from "../../scripts/docs/llms.mjs"

export const dynamic = "force-static"

export function GET() {
  return new Response(llmsFullText())
}
