"use client"

import { LfProvider } from "@lf/react"
import { type MouseEvent, useEffect, useState } from "react"
import { useIsClient } from "../chrome/use-is-client"
import { useOfflineSwitch } from "../chrome/use-offline-switch"
import { connectWorker } from "../lf/connect"
import { mutator } from "../lf/mutators"
import { newListId } from "./list-id"
import { forgetList, type ListEntry, rememberList, restoreList, useLists } from "./list-store"
import { RemovedNotice } from "./removed-notice"
import { SendUnsent } from "./send-unsent"
import { type Unsent, useUnsent } from "./use-unsent"

interface Removed {
  readonly list: ListEntry
  readonly index: number
}

/** My lists: what this device has opened. */
export function ListIndex() {
  const lists = useLists()
  const isReady = useIsClient()
  const [unsent, setUnsent] = useState<Unsent>(new Map())
  const [removed, setRemoved] = useState<readonly Removed[]>([])
  const last = removed.at(-1)
  const remove = (list: ListEntry) => {
    setRemoved([...removed, { list, index: lists.indexOf(list) }])
    forgetList(list.id)
  }
  const undo = ({ list, index }: Removed) => {
    restoreList(list, index)
    setRemoved(removed.slice(0, -1))
    requestAnimationFrame(() => document.querySelector<HTMLElement>(`.lists-row[href="/l/${list.id}"]`)?.focus())
  }
  return (
    <>
      <section className="card lists" aria-busy={!isReady}>
        {lists.length > 0 && (
          <ul className="lists-items" aria-label="My lists">
            {lists.map((list) => (
              <ListItem key={list.id} list={list} unsent={unsent.get(list.id) ?? 0} onRemove={remove} />
            ))}
          </ul>
        )}
        {isReady && lists.length === 0 && <p className="lists-empty">No lists on this device yet.</p>}
        <button type="button" className="lists-new" onClick={beginList}>
          <span aria-hidden="true">+</span> New list
        </button>
      </section>
      <WatchUnsent lists={lists} onUnsent={setUnsent} />
      <section className="notices" aria-label="Notices" aria-live="polite">
        {last !== undefined && (
          <RemovedNotice
            label={labelOf(last.list)}
            unsent={unsent.get(last.list.id) ?? 0}
            onUndo={() => undo(last)}
            onDismiss={() => setRemoved([])}
          />
        )}
      </section>
    </>
  )
}

interface WatchUnsentProps {
  readonly lists: readonly ListEntry[]
  readonly onUnsent: (unsent: Unsent) => void
}

/** The worker is there as soon as there is a list: it is asked as that one's. */
function WatchUnsent({ lists, onUnsent }: WatchUnsentProps) {
  const [doc, setDoc] = useState<string | null>(null)
  const [first] = lists
  if (doc === null && first !== undefined) setDoc(first.id)
  if (doc === null) return null
  return (
    <LfProvider doc={doc} worker={connectWorker} mutator={mutator}>
      <Watching onUnsent={onUnsent} />
    </LfProvider>
  )
}

function Watching({ onUnsent }: Pick<WatchUnsentProps, "onUnsent">) {
  const unsent = useUnsent()
  // The wish to work offline is this page's too.
  useOfflineSwitch()
  useEffect(() => {
    if (unsent !== null) onUnsent(unsent)
  }, [unsent, onUnsent])
  return unsent && <SendUnsent unsent={unsent} />
}

function beginList(): void {
  const id = newListId()
  rememberList(id, true)
  location.assign(`/l/${id}`)
}

interface ListItemProps {
  readonly list: ListEntry
  /** How many of its changes wait. */
  readonly unsent: number
  readonly onRemove: (list: ListEntry) => void
}

function ListItem({ list, unsent, onRemove }: ListItemProps) {
  const label = labelOf(list)
  const handleRemove = (event: MouseEvent<HTMLElement>) => {
    // Pressed by key: the focus would vanish with the entry.
    if (event.detail === 0) focusNext(event.currentTarget.closest("li"))
    onRemove(list)
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
        <span className="lists-count" title="When it was last open here">
          {countOf(list)}
        </span>
        {unsent > 0 && <span className="lists-unsent">{unsent} unsent</span>}
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

function labelOf(list: ListEntry): string {
  return list.name || list.hint || "Untitled list"
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
