import type { ReactElement } from "react"
import type { ShownConnection } from "../rpc/devtools-protocol.ts"
import { bytesText } from "./bytes-text.ts"
import { ErrorLine } from "./shown-error.tsx"

export function ConnectionView({ connection }: { readonly connection: ShownConnection }): ReactElement {
  const { url, isOnlineWanted, tries, failures, connectedSince, transport, errors } = connection
  const { framesIn, framesOut, bytesIn, bytesOut } = connection
  const facts: readonly (readonly [string, string])[] = [
    ["address", url],
    ["connected since", connectedSince === null ? "not connected" : new Date(connectedSince).toLocaleTimeString()],
    ["transport", transport ?? "-"],
    ["switched off", isOnlineWanted ? "no" : "yes, by setOnline(false)"],
    ["attempts", `${tries}, of which ${failures} failed`],
    ["received", `${framesIn} frames, ${bytesText(bytesIn)}`],
    ["sent", `${framesOut} frames, ${bytesText(bytesOut)}`],
  ]
  return (
    <>
      <table aria-label="Connection">
        <tbody>
          {facts.map(([name, value]) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td>{value}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {errors.map((error) => (
        <article className="card" key={`${error.at} ${error.code}`}>
          <span className="soft">{new Date(error.at).toLocaleTimeString()}</span>
          <ErrorLine error={error} />
        </article>
      ))}
    </>
  )
}
