import { lf } from "../../../lf.server"

export const runtime = "nodejs"
export const dynamic = "force-dynamic"

// The WebSocket upgrades on this same path.
export const { GET, POST } = lf.handlers
