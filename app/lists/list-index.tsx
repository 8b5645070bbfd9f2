"use client"

import type { MouseEvent } from "react"
import { useIsClient } from "../chrome/use-is-client"
import { newListId } from "./list-id"
import { forgetList, type ListEntry, rememberList, useLists } from "./list-store"

/** My lists: what this device has opened. */
export function ListIndex() {
  const lists = useLists()
  const isReady = useIsClient()
  return (
    <section className="card lists" aria-busy={!isReady}>
      {lists.length > 0 && (
        <ul className="lists-items" aria-label="My lists">
          {lists.map((list) => (
            <ListItem key={list.id} list={list} />
          ))}
        </ul>
      )}
      {isReady && lists.length === 0 && <p className="lists-empty">No lists on this device yet.</p>}
      <button type="button" className="lists-new" onClick={beginList}>
        <span aria-hidden="true">+</span> New list
      </button>
    </section>
  )
}

function beginList(): void {
  const id = newListId()
  rememberList(id, true)
  location.assign(`/l/${id}`)
}

function ListItem({ list }: { list: ListEntry }) {
  const label = list.name || list.hint || "Untitled list"
  const handleRemove = (event: MouseEvent<HTMLElement>) => {
    // Pressed by key: the focus would vanish with the entry.
    if (event.detail === 0) focusNext(event.currentTarget.closest("li"))
    forgetList(list.id)
  }
  return (
    <li className="lists-item">
      <a className="lists-row" href={`/l/${list.id}`}>
        <span className="lists-label">
          <span className={list.name === "" ? "lists-name lists-hint" : "lists-name"} dir="auto">
            {label}
          </span>
          {list.name !== "" && list.hint !== "" && (
            <span className="lists-begin" dir="auto">
              {list.hint}
            </span>
          )}
        </span>
        <span className="lists-count">{countOf(list)}</span>
        <OpenedAt ms={list.openedMs} />
      </a>
      <button
        type="button"
        className="lists-remove"
        aria-label={`Remove ${label} from this device's index`}
        title="Remove from this index; the link still opens it"
        onClick={handleRemove}
      />
    </li>
  )
}

/** The entry below, or above the last one; without another the button for a new list. */
function focusNext(item: Element | null): void {
  const next = (item?.nextElementSibling ?? item?.previousElementSibling)?.querySelector<HTMLElement>(".lists-row")
  const instead = next ?? document.querySelector<HTMLElement>(".lists-new")
  instead?.focus()
}

function countOf({ left, total }: ListEntry): string {
  if (total === 0) return "empty"
  return left === 0 ? `${total} done` : `${left} left of ${total}`
}

function OpenedAt({ ms }: { ms: number }) {
  const date = new Date(ms)
  const text = date.toLocaleDateString(undefined, { day: "numeric", month: "short" })
  return (
    <time className="lists-date" dateTime={date.toISOString()}>
      {text}
    </time>
  )
}
