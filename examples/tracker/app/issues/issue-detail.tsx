"use client"

import { type LfError, newId, type PresenceOf, useField, useMutation, useQuery } from "@lf/react"
import { type FormEvent, type KeyboardEvent, type ReactNode, useEffect, useRef } from "react"
import { AddComment, SetAssignee, SetBody, SetLabel, SetPriority, SetStatus, SetTitle } from "../lf/mutators"
import { labels, newTitle, type Priority, priorities, type Status, statuses, statusNames } from "../lf/values"
import { draftOf, keepDraft } from "./drafts"
import { headingId, isFocusLost } from "./focus"
import { commentsOf, everyone, type Issue, labelsOf } from "./queries"
import type { Written } from "./refusals"
import type { Here } from "./tracker"

/** An issue that was opened by its row. Another object each time, so that the same row may open it again. */
export interface Entered {
  readonly issue: string
}

/** A pause that ends what was typed in one go: it is committed, and is one step of undo. */
const PAUSE_MS = 1_000

interface IssueDetailProps {
  readonly user: string
  readonly issue: Issue
  /** Made here and now: its title is to be written. */
  readonly isNew: boolean
  readonly entered: Entered | null
  readonly others: readonly PresenceOf<Here>[]
  /** The focus is where it should be: it is not taken a second time. */
  readonly onEntered: () => void
  readonly onClose: () => void
  readonly onError: (error: LfError) => void
  /** The same, with what the user had written. */
  readonly onUnkept: (error: LfError, written: Written) => void
}

/** One issue. Its fields are bound to its row: what others change appears, and what is being typed here stays. */
export function IssueDetail({ issue, isNew, others, onClose, onError, ...props }: IssueDetailProps) {
  const { id } = issue
  const { user, onUnkept } = props
  const setBody = useMutation(SetBody, { onError: (error, args) => onUnkept(error, { name: SetBody.name, args }) })
  const body = useField(issue.body, (text) => setBody.mutate({ id, body: text }), { when: "pause", pauseMs: PAUSE_MS })
  const readers = others.filter(({ value }) => value.issue === id).map(({ value }) => value.name)
  const handleKeyDown = (event: KeyboardEvent) => {
    if (event.key !== "Escape" || event.nativeEvent.isComposing || isUnsaved(event.target)) return
    event.preventDefault()
    onClose()
  }
  return (
    <section className="detail" aria-label={`Issue ${issue.n}`} onKeyDown={handleKeyDown}>
      <DetailHead {...props} id={id} onClose={onClose} readers={readers}>
        {issue.n} by <bdi>{issue.author}</bdi>
      </DetailHead>
      <Title issue={issue} isNew={isNew} onUnkept={onUnkept} />
      <Properties issue={issue} onError={onError} />
      <Labels id={id} onError={onError} />
      <textarea
        aria-label="Description"
        placeholder="Describe it"
        rows={8}
        maxLength={10_000}
        dir="auto"
        {...body.input}
      />
      <Comments user={user} id={id} onUnkept={onUnkept} />
    </section>
  )
}

interface DetailHeadProps extends Pick<IssueDetailProps, "entered" | "onEntered" | "onClose"> {
  readonly id: string
  /** It replaces one that may have had the focus. */
  readonly isGone?: boolean
  readonly readers?: readonly string[]
  readonly children: ReactNode
}

/** What is open, and the way out of it. */
export function DetailHead({ id, isGone = false, readers = [], children, ...props }: DetailHeadProps) {
  const { entered, onEntered, onClose } = props
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => {
    if (entered?.issue !== id) return
    heading.current?.focus()
    onEntered()
  }, [entered, id, onEntered])
  useEffect(() => {
    if (isGone && isFocusLost()) heading.current?.focus()
  }, [isGone])
  return (
    <header>
      <h2 ref={heading} id={headingId} tabIndex={-1}>
        {children}
      </h2>
      {readers.length > 0 && (
        <span className="reader" dir="auto">
          {readers.join(", ")} {readers.length === 1 ? "is" : "are"} here
        </span>
      )}
      <span className="space" />
      <button type="button" aria-label="Close" aria-keyshortcuts="Escape" onClick={onClose}>
        ×
      </button>
    </header>
  )
}

/** As high as its text. It has one line all the same: Return ends the writing. */
function Title({ issue, isNew, onUnkept }: Pick<IssueDetailProps, "issue" | "isNew" | "onUnkept">) {
  const { id } = issue
  // What the schema refuses is said below the field.
  const set = useMutation(SetTitle, {
    onError: (error, args) => isInvalid(error) || onUnkept(error, { name: SetTitle.name, args }),
  })
  const { input, error, flush } = useField(issue.title, (title) => set.mutate({ id, title }), {
    when: "pause",
    pauseMs: PAUSE_MS,
    parse: (text) => text.replace(/\s*\n\s*/g, " "),
  })
  const hasProblem = isInvalid(error)
  return (
    <div>
      <div className="detail-title" data-text={input.value}>
        <textarea
          rows={1}
          aria-label="Title"
          aria-invalid={hasProblem}
          aria-describedby={hasProblem ? "title-problem" : undefined}
          maxLength={200}
          autoComplete="off"
          dir="auto"
          // biome-ignore lint/a11y/noAutofocus: the user has just asked for an issue, and writes its title next
          autoFocus={isNew}
          onFocus={({ currentTarget }) => currentTarget.value === newTitle && currentTarget.select()}
          onKeyDown={(event) => {
            if (event.key !== "Enter" || event.nativeEvent.isComposing) return
            event.preventDefault()
            flush().catch(() => {}) // the error is in the state
          }}
          {...input}
        />
      </div>
      {hasProblem && (
        <p id="title-problem" className="problem" role="alert">
          A title cannot be empty. The one that is kept is “<bdi>{issue.title}</bdi>”.
        </p>
      )}
    </div>
  )
}

const isInvalid = (error: LfError | null) => error?.code === "MUTATION_ARGS_INVALID"

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

/** What is being written is kept in this tab until it is sent. */
function Comments({ user, id, onUnkept }: Pick<IssueDetailProps, "user" | "onUnkept"> & { readonly id: string }) {
  const comments = useQuery(commentsOf(id)).data ?? []
  const field = useRef<HTMLTextAreaElement>(null)
  const add = useMutation(AddComment, {
    // Not kept on this device: it is still the user's text.
    onError: (error, args) => {
      onUnkept(error, { name: AddComment.name, args })
      if (draftOf(user, id) !== "") return
      keepDraft(user, id, args.text)
      if (field.current !== null) field.current.value = args.text
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    const text = field.current?.value.trim() ?? ""
    if (text === "" || field.current === null) return
    field.current.value = ""
    keepDraft(user, id, "")
    add.mutate({ id: newId(), issue: id, text })
  }
  return (
    <section className="comments" aria-label="Comments">
      <ul>
        {comments.map((comment) => (
          <li key={comment.id}>
            <strong dir="auto">{comment.author}</strong>{" "}
            <time className="quiet" dateTime={new Date(comment.created_at).toISOString()}>
              {new Date(comment.created_at).toLocaleString()}
            </time>
            <p dir="auto">{comment.text}</p>
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
          dir="auto"
          maxLength={4_000}
          aria-keyshortcuts="Control+Enter Meta+Enter"
          defaultValue={draftOf(user, id)}
          onChange={({ target }) => keepDraft(user, id, target.value)}
          onKeyDown={({ key, ctrlKey, metaKey, nativeEvent, currentTarget }) => {
            const isSent = key === "Enter" && (ctrlKey || metaKey) && !nativeEvent.isComposing
            if (isSent) currentTarget.form?.requestSubmit()
          }}
        />
        <button type="submit">Comment</button>
      </form>
    </section>
  )
}
