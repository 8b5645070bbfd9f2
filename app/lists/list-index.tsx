"use client"

import { useSyncExternalStore } from "react"
import { changeList, forgetList, type ListEntry, newListId, useLists } from "./list-store"

/** My lists: what this device has opened. Names stay on this device. */
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
      <button type="button" className="lists-new" onClick={() => location.assign(`/l/${newListId()}`)}>
        <span aria-hidden="true">+</span> New list
      </button>
    </section>
  )
}

function ListItem({ list }: { list: ListEntry }) {
  const label = list.name || list.hint || "Untitled list"
  return (
    <li className="lists-item">
      <input
        className="lists-name"
        aria-label={`Name of ${list.hint || "an untitled list"} on this device`}
        defaultValue={list.name}
        placeholder={list.hint || "Untitled list"}
        maxLength={80}
        autoComplete="off"
        onChange={(event) => changeList(list.id, { name: event.target.value })}
      />
      <OpenedAt ms={list.openedMs} />
      <a className="lists-open" href={`/l/${list.id}`} aria-label={`Open ${label}`}>
        Open
      </a>
      <button
        type="button"
        className="lists-remove"
        aria-label={`Remove ${label} from this device's index`}
        title="Remove from this index; the link still opens it"
        onClick={() => forgetList(list.id)}
      />
    </li>
  )
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

function useIsClient(): boolean {
  return useSyncExternalStore(
    () => () => undefined,
    () => true,
    () => false,
  )
}
