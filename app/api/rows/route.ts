import { rowsLf } from "../../../lf.server"

export const runtime = "nodejs"
export const dynamic = "force-dynamic"

// As /api/lf, for the document of /sql.
export const { GET, POST } = rowsLf.handlers
