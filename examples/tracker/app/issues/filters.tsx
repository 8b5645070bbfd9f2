"use client"

import { useQuery } from "@lf/react"
import { type ReactNode, type RefObject, useEffect } from "react"
import { labels, statuses, statusNames } from "../lf/values"
import { everyone, type Filter, noFilter } from "./queries"
import { useArrival } from "./use-arrival"

interface FiltersProps {
  readonly filter: Filter
  /** Undefined while it is not known. */
  readonly total: number | undefined
  readonly searchRef: RefObject<HTMLInputElement | null>
  readonly onChange: (filter: Filter) => void
}

export function Filters({ filter, total, searchRef, onChange }: FiltersProps) {
  const people = useQuery(everyone).data ?? []
  useKnownAssignee(filter, onChange)
  const isFiltered = filter.text !== "" || filter.status !== null || filter.label !== null || filter.assignee !== null
  return (
    <search className="filters">
      <input
        ref={searchRef}
        type="search"
        aria-label="Search"
        aria-keyshortcuts="/"
        placeholder="Search titles, texts, numbers"
        autoComplete="off"
        dir="auto"
        value={filter.text}
        onChange={(event) => onChange({ ...filter, text: event.target.value })}
      />
      <Choice
        label="Status"
        value={filter.status}
        options={statuses.map((status) => [status, statusNames[status]])}
        onChange={(status) => onChange({ ...filter, status })}
      />
      <Choice
        label="Label"
        value={filter.label}
        options={labels.map((label) => [label, label])}
        onChange={(label) => onChange({ ...filter, label })}
      />
      <Choice
        label="Assignee"
        value={filter.assignee}
        options={people.map(({ id, name }) => [id, name])}
        onChange={(assignee) => onChange({ ...filter, assignee })}
      />
      <output className="quiet" aria-live="polite" data-testid="count">
        {total !== undefined && `${total.toLocaleString("en")} ${total === 1 ? "issue" : "issues"}`}
      </output>
      {isFiltered && (
        <button
          type="button"
          onClick={({ detail }) => {
            onChange(noFilter)
            // By a key, which has no count: the button goes, and the focus with it. A finger wants no keyboard.
            if (detail === 0) searchRef.current?.focus()
          }}
        >
          Clear
        </button>
      )}
    </search>
  )
}

/** One that the tracker does not know is dropped: an address can be written by hand. */
function useKnownAssignee(filter: Filter, onChange: (filter: Filter) => void): void {
  const { isKnown } = useArrival()
  const people = useQuery(everyone).data
  const isUnknown =
    isKnown && filter.assignee !== null && people !== undefined && !people.some(({ id }) => id === filter.assignee)
  useEffect(() => {
    if (isUnknown) onChange({ ...filter, assignee: null })
  })
}

interface ChoiceProps<T extends string> {
  readonly label: string
  readonly value: T | null
  readonly options: readonly (readonly [T, string])[]
  readonly onChange: (value: T | null) => void
}

function Choice<T extends string>({ label, value, options, onChange }: ChoiceProps<T>): ReactNode {
  return (
    <select
      aria-label={label}
      value={value ?? ""}
      // One of the options below.
      onChange={(event) => onChange(event.target.value === "" ? null : (event.target.value as T))}
    >
      <option value="">{label}: all</option>
      {options.map(([one, name]) => (
        <option key={one} value={one}>
          {name}
        </option>
      ))}
    </select>
  )
}
