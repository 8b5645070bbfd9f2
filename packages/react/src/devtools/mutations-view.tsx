import type { ReactElement } from "react"
import type { ShownDifference, ShownMutation } from "../rpc/devtools-protocol.ts"
import { ErrorLine } from "./shown-error.tsx"

export interface MutationsViewProps {
  readonly mutations: readonly ShownMutation[]
  readonly differences: readonly ShownDifference[]
}

const TONES = { pending: "wait", applied: "good", rejected: "bad", threw: "bad", unknown: "soft" } as const

export function MutationsView({ mutations, differences }: MutationsViewProps): ReactElement {
  return (
    <>
      {differences.map((one) => (
        <Difference key={one.mutation} difference={one} />
      ))}
      {mutations.length === 0 && <p>Nothing was written since this panel was opened, and nothing is pending.</p>}
      {mutations.length > 0 && (
        <div className="scroll">
          <table aria-label="Mutations">
            <thead>
              <tr>
                <th>time</th>
                <th>mutation</th>
                <th>outcome</th>
                <th>first run</th>
                <th>arguments</th>
              </tr>
            </thead>
            <tbody>
              {mutations.map((one) => (
                <MutationRow key={one.uid} mutation={one} />
              ))}
            </tbody>
          </table>
        </div>
      )}
    </>
  )
}

function MutationRow({ mutation }: { readonly mutation: ShownMutation }): ReactElement {
  const { uid, name, args, at, outcome, ms, lsn, error } = mutation
  return (
    <tr>
      <td className="whole" title={new Date(at).toISOString()}>
        {new Date(at).toLocaleTimeString()}
      </td>
      <td className="whole" title={uid}>
        {name}
      </td>
      <td>
        <span className={TONES[outcome]}>{outcome}</span>
        {lsn !== null && ` at ${lsn}`}
        {error !== null && <ErrorLine error={error} />}
      </td>
      <td className="whole">{ms === null ? "" : `${ms.toFixed(1)} ms`}</td>
      <td>
        <code>{args}</code>
      </td>
    </tr>
  )
}

function Difference({ difference }: { readonly difference: ShownDifference }): ReactElement {
  const { mutation, first, second } = difference
  return (
    <article className="card" aria-label="Mutator that is not repeatable">
      <h3 className="bad">{mutation} is not repeatable</h3>
      <p>
        It ran twice on the same rows and did not do the same: it uses Math.random, Date.now or something that lives
        outside of it. Use tx.id(), tx.nowMs and the arguments.
      </p>
      <div className="soft">first run</div>
      <pre>{first}</pre>
      <div className="soft">second run</div>
      <pre>{second}</pre>
    </article>
  )
}
