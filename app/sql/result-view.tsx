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
  readonly error: LfError | null
  readonly runs: QueryRuns | null
  readonly log: readonly LoggedRun[]
  readonly editError: LfError | null
  readonly onRename: () => void
  readonly onReprioritize: () => void
  /** Undefined: the result has no ids. */
  readonly onRenameSeen: (() => void) | undefined
}

export function ResultView(props: ResultViewProps) {
  const { rows, isOld, error, runs, log } = props
  return (
    <>
      <p className="sql-problem" id="sql-problem" role="alert" data-code={error?.code}>
        {error !== null && (
          <>
            <code>{error.code}</code> {error.message}
          </>
        )}
      </p>
      <dl className="sql-facts" data-old={isOld}>
        <Fact name="rows" value={isOld ? null : numberText(rows.length)} />
        <Fact name="ms" value={runs && msText(runs.ms)} />
        <Fact name="pages read" value={isOld ? null : runs && numberText(runs.pagesRead)} />
        <Fact name="runs" value={runs && numberText(runs.runs)} />
        <Fact name="runs saved" value={runs && numberText(runs.skipped)} />
      </dl>
      <div className="sql-columns">
        <ResultRows rows={rows} isOld={isOld} />
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
      <button type="button" disabled={onRenameSeen === undefined} onClick={onRenameSeen}>
        Rename a shown one
      </button>
      {editError !== null && (
        <p role="alert">
          <code>{editError.code}</code> {editError.message}
        </p>
      )}
    </div>
  )
}
