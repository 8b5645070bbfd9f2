"use client"

import { type LfError, newId, type PresenceOf, useField, useMutation, useQuery } from "@lf/react"
import { type FormEvent, type KeyboardEvent, useRef } from "react"
import { AddComment, SetAssignee, SetBody, SetLabel, SetPriority, SetStatus, SetTitle } from "../lf/mutators"
import { labels, type Priority, priorities, type Status, statuses, statusNames } from "../lf/values"
import { commentsOf, everyone, type Issue, labelsOf } from "./queries"
import type { Here } from "./tracker"

/** Until its author writes a better one over it. */
export const newTitle = "New issue"

interface IssueDetailProps {
  readonly issue: Issue
  /** Made here and now: its title is to be written. */
  readonly isNew: boolean
  readonly others: readonly PresenceOf<Here>[]
  readonly onClose: () => void
  readonly onError: (error: LfError) => void
}

/** One issue. Its fields are bound to its row: what others change appears, and what is being typed here stays. */
export function IssueDetail({ issue, isNew, others, onClose, onError }: IssueDetailProps) {
  const { id } = issue
  const options = { onError }
  const setTitle = useMutation(SetTitle, options)
  const setBody = useMutation(SetBody, options)
  const title = useField(issue.title, (text) => text.trim() !== "" && setTitle.mutate({ id, title: text }))
  const body = useField(issue.body, (text) => setBody.mutate({ id, body: text }))
  const readers = others.filter(({ value }) => value.issue === id).map(({ value }) => value.name)
  const handleKeyDown = (event: KeyboardEvent) => {
    if (event.key !== "Escape" || event.nativeEvent.isComposing || isUnsaved(event.target)) return
    event.preventDefault()
    onClose()
  }
  return (
    <aside className="detail" aria-label={`Issue ${issue.n}`} onKeyDown={handleKeyDown}>
      <header>
        <span className="quiet">
          {issue.n} by {issue.author}
        </span>
        {readers.length > 0 && <span className="reader">{readers.join(", ")} is here</span>}
        <span className="space" />
        <button type="button" aria-label="Close" aria-keyshortcuts="Escape" onClick={onClose}>
          ×
        </button>
      </header>
      <input
        className="detail-title"
        aria-label="Title"
        maxLength={200}
        autoComplete="off"
        // biome-ignore lint/a11y/noAutofocus: the user has just asked for an issue, and writes its title next
        autoFocus={isNew}
        onFocus={({ currentTarget }) => currentTarget.value === newTitle && currentTarget.select()}
        {...title.input}
      />
      <Properties issue={issue} onError={onError} />
      <Labels id={id} onError={onError} />
      <textarea aria-label="Description" placeholder="Describe it" rows={8} maxLength={10_000} {...body.input} />
      <Comments id={id} onError={onError} />
    </aside>
  )
}

/** A comment is kept when it is sent: Escape leaves its field, as everywhere else. */
const isUnsaved = (field: EventTarget) =>
  field instanceof HTMLTextAreaElement && field.name === "comment" && field.value !== ""

function Properties({ issue, onError }: Pick<IssueDetailProps, "issue" | "onError">) {
  const { id } = issue
  const options = { onError }
  const setStatus = useMutation(SetStatus, options)
  const setPriority = useMutation(SetPriority, options)
  const setAssignee = useMutation(SetAssignee, options)
  const people = useQuery(everyone).data ?? []
  return (
    <div className="properties">
      <select
        aria-label="Status"
        value={issue.status}
        onChange={(event) => setStatus.mutate({ id, status: event.target.value as Status })}
      >
        {statuses.map((status) => (
          <option key={status} value={status}>
            {statusNames[status]}
          </option>
        ))}
      </select>
      <select
        aria-label="Priority"
        value={issue.priority}
        onChange={(event) => setPriority.mutate({ id, priority: event.target.value as Priority })}
      >
        {priorities.map((priority) => (
          <option key={priority}>{priority}</option>
        ))}
      </select>
      <select
        aria-label="Assignee"
        value={issue.assignee ?? ""}
        onChange={(event) => setAssignee.mutate({ id, assignee: event.target.value || null })}
      >
        <option value="">Unassigned</option>
        {people.map((person) => (
          <option key={person.id} value={person.id}>
            {person.name}
          </option>
        ))}
      </select>
    </div>
  )
}

function Labels({ id, onError }: { id: string; onError: (error: LfError) => void }) {
  const set = useMutation(SetLabel, { onError })
  const on = new Set((useQuery(labelsOf(id)).data ?? []).map(({ label }) => label))
  return (
    <fieldset className="labels">
      <legend className="spoken">Labels</legend>
      {labels.map((label) => (
        <button
          key={label}
          type="button"
          className={`label ${label}`}
          aria-pressed={on.has(label)}
          onClick={() => set.mutate({ id, label, isOn: !on.has(label) })}
        >
          {label}
        </button>
      ))}
    </fieldset>
  )
}

function Comments({ id, onError }: { id: string; onError: (error: LfError) => void }) {
  const comments = useQuery(commentsOf(id)).data ?? []
  const field = useRef<HTMLTextAreaElement>(null)
  const add = useMutation(AddComment, { onError })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    const text = field.current?.value.trim() ?? ""
    if (text === "" || field.current === null) return
    field.current.value = ""
    add.mutate({ id: newId(), issue: id, text })
  }
  return (
    <section className="comments" aria-label="Comments">
      <ul>
        {comments.map((comment) => (
          <li key={comment.id}>
            <strong>{comment.author}</strong>{" "}
            <time className="quiet" dateTime={new Date(comment.created_at).toISOString()}>
              {new Date(comment.created_at).toLocaleString()}
            </time>
            <p>{comment.text}</p>
          </li>
        ))}
      </ul>
      <form onSubmit={submit}>
        <textarea
          ref={field}
          name="comment"
          aria-label="New comment"
          placeholder="Write a comment"
          rows={2}
          maxLength={4_000}
        />
        <button type="submit">Comment</button>
      </form>
    </section>
  )
}
