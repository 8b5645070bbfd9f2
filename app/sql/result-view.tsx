"use client"

import type { LfError, QueryRuns, SqlValue } from "@lf/react"
import { numberText } from "./number-text"
import { ResultRows } from "./result-rows"
import type { LoggedRun } from "./use-run-log"

export type ResultRow = Readonly<Record<string, SqlValue>>

interface ResultViewProps {
  readonly rows: readonly ResultRow[]
  /** The rows are those of another query, or from before an error. */
  readonly isOld: boolean
  /** The database is on its way: what a query does not find may come yet. */
  readonly isFetching: boolean
  /** The names that several columns have. */
  readonly twins: readonly string[]
  readonly error: LfError | null
  readonly runs: QueryRuns | null
  readonly log: readonly LoggedRun[]
  readonly editError: LfError | null
  readonly onRename: () => void
  readonly onReprioritize: () => void
  /** Undefined: the rows are no tasks, or it is not sure that they are. */
  readonly onRenameSeen: (() => void) | undefined
}

export function ResultView(props: ResultViewProps) {
  const { rows, isOld, isFetching, twins, error, runs, log } = props
  const isUnknown = isOld || (isFetching && rows.length === 0)
  return (
    <>
      <p className="sql-problem" id="sql-problem" role="alert" data-code={error?.code}>
        {error !== null && (
          <>
            <code>{error.code}</code> {error.message}
          </>
        )}
      </p>
      {twins.length > 0 && error === null && (
        <p className="sql-twins" role="status">
          Several columns are called {twins.map((name) => `“${name}”`).join(", ")}, and only the last is shown. Name the
          others with “as”.
        </p>
      )}
      <dl className="sql-facts" data-old={isOld}>
        <Fact name="rows" value={isUnknown ? null : numberText(rows.length)} />
        <Fact name="ms" value={runs && msText(runs.ms)} />
        <Fact name="pages read" value={isUnknown ? null : runs && numberText(runs.pagesRead)} />
        <Fact name="runs" value={runs && numberText(runs.runs)} />
        <Fact name="runs saved" value={runs && numberText(runs.skipped)} />
      </dl>
      <div className="sql-columns">
        <ResultRows rows={rows} isOld={isOld} nothing={isFetching ? "The database is on its way." : "No rows."} />
        <section className="sql-why" aria-label="Edits and runs">
          <Edits {...props} />
          <h2>Why it ran, or did not</h2>
          <ol aria-label="Runs">
            {log.map(({ key, isRun, text }) => (
              <li key={key} data-run={isRun}>
                {text}
              </li>
            ))}
          </ol>
          <p className="sql-hint">Open this page in another browser: its edits come here as pages.</p>
        </section>
      </div>
    </>
  )
}

function Fact({ name, value }: { name: string; value: string | null }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value ?? "–"}</dd>
    </div>
  )
}

function msText(ms: number): string {
  return ms < 10 ? ms.toFixed(1) : numberText(Math.round(ms))
}

/** Edits of one row: of all, or of those that are seen. */
function Edits({ onRename, onReprioritize, onRenameSeen, editError }: ResultViewProps) {
  return (
    <div className="sql-edits">
      <button type="button" onClick={onRename}>
        Rename one
      </button>
      <button type="button" onClick={onReprioritize}>
        Reprioritize one
      </button>
      {onRenameSeen !== undefined && (
        <button type="button" onClick={onRenameSeen}>
          Rename a shown one
        </button>
      )}
      {editError !== null && (
        <p role="alert">
          <code>{editError.code}</code> {editError.message}
        </p>
      )}
    </div>
  )
}
