import { toLfError } from "@lf/core/internal"
import type { ErrorReports } from "./error-reports.ts"

/** Counts pending mutations from storage, for a page without a worker; null: they cannot be counted. */
export async function countStored(
  document: { readonly doc: string; readonly user: string | null },
  errors: ErrorReports,
): Promise<number | null> {
  try {
    const { countStoredPending } = await import("../platform/browser/stored-pending.ts")
    return await countStoredPending(document)
  } catch (error) {
    errors.report(toLfError(error, "LOG_FAILED"), {}, false)
    return null
  }
}
