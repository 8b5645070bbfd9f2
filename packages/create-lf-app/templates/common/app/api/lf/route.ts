import { lf } from "../../../lf.server"

// Browsers open their WebSocket on this path.
export const { GET, POST } = lf.handlers
