"use client"

import { type LfError, newId, type PresenceOf, useField, useMutation, useQuery } from "@lf/react"
import { type FormEvent, useEffect, useRef } from "react"
import { AddComment, SetAssignee, SetBody, SetLabel, SetPriority, SetStatus, SetTitle } from "../lf/mutators"
import { labels, type Priority, priorities, type Status, statuses, statusNames } from "../lf/values"
import { commentsOf, everyone, type Issue, labelsOf } from "./queries"
import type { Here } from "./tracker"
import { useMarkRead } from "./use-unread"

interface IssueDetailProps {
  readonly issue: Issue
  /** It was made here just now: the title is selected, to be typed over. */
  readonly isNew: boolean
  readonly isUnread: boolean
  readonly others: readonly PresenceOf<Here>[]
  readonly onClose: () => void
  readonly onError: (error: LfError) => void
}

/** One issue. Its fields are bound to its row: what others change appears, and what is being typed here stays. */
export function IssueDetail({ issue, isNew, isUnread, others, onClose, onError }: IssueDetailProps) {
  const { id } = issue
  const options = { onError }
  const setTitle = useMutation(SetTitle, options)
  const setBody = useMutation(SetBody, options)
  const title = useField(issue.title, (text) => text.trim() !== "" && setTitle.mutate({ id, title: text }))
  const body = useField(issue.body, (text) => setBody.mutate({ id, body: text }))
  const detail = useRef<HTMLElement>(null)
  useEffect(() => {
    const field = isNew ? detail.current?.querySelector("input") : null
    field?.focus()
    field?.select()
  }, [isNew])
  const readers = others.filter(({ value }) => value.issue === id).map(({ value }) => value.name)
  return (
    <aside ref={detail} className="detail" aria-label={`Issue ${issue.n}`}>
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
      <input className="detail-title" aria-label="Title" maxLength={200} autoComplete="off" {...title.input} />
      <Properties issue={issue} onError={onError} />
      <Labels id={id} onError={onError} />
      <textarea aria-label="Description" placeholder="Describe it" rows={8} maxLength={10_000} {...body.input} />
      <Comments id={id} isUnread={isUnread} onError={onError} />
    </aside>
  )
}

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

type CommentsProps = Pick<IssueDetailProps, "isUnread" | "onError"> & { readonly id: string }

function Comments({ id, isUnread, onError }: CommentsProps) {
  const comments = useQuery(commentsOf(id)).data ?? []
  useMarkRead(id, isUnread ? comments.length : 0)
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
        <textarea ref={field} aria-label="New comment" placeholder="Write a comment" rows={2} maxLength={4_000} />
        <button type="submit">Comment</button>
      </form>
    </section>
  )
}
