import { ERROR_CODES, type ErrorCode } from "@lf/core"
import type { ReactElement } from "react"
import type { ShownError } from "../rpc/devtools-protocol.ts"

/** An error with its code, what it means, and where docs/errors.md says what to do. */
export function ErrorLine({ error }: { readonly error: ShownError }): ReactElement {
  const { code, message, stack } = error
  const meaning: string | undefined = ERROR_CODES[code as ErrorCode] // undefined: the app's own code
  return (
    <div>
      <div>
        <code className="bad">{code}</code> {message}
      </div>
      {meaning !== undefined && meaning !== message && (
        <div className="soft">
          {meaning} What to do: docs/errors.md, {code}.
        </div>
      )}
      {stack !== undefined && <pre>{stack}</pre>}
    </div>
  )
}
