// The address says which document and when fields commit: /?doc=one&when=pause; or of which documents the items are
// listed: /?docs=one,two
import {
  type FieldOptions,
  LfProvider,
  useConnectionStatus,
  useDocument,
  useField,
  useLf,
  useMutation,
  useQuery,
  useSyncStatus,
} from "@lf/react"
import { LfDevtools } from "@lf/react/devtools"
import { memo, useEffect } from "react"
import { createRoot } from "react-dom/client"
import { AddItems, allItems, type Item, itemsOfAll, PaintItem, RenameItem, TickItem } from "./items.ts"

const asked = new URLSearchParams(location.search)
const when = asked.get("when") as FieldOptions<string>["when"]
// A pause that no test waits for.
const options: FieldOptions<string> = when === null ? {} : { when, pauseMs: 60_000 }
/** The titles that were committed, for tests that count them. */
const commits: string[] = []
Object.assign(window, { commits })

function connect(): SharedWorker | Worker {
  const options: WorkerOptions & { extendedLifetime: boolean } = { type: "module", name: "lf", extendedLifetime: true }
  return typeof SharedWorker === "undefined"
    ? new Worker("/worker.js", options)
    : new SharedWorker("/worker.js", options)
}

function Items() {
  const items = useQuery(allItems)
  const { status } = useConnectionStatus()
  const { pending } = useSyncStatus()
  const { setOnline } = useDocument()
  useEffect(() => void Object.assign(window, { setOnline }), [setOnline])
  return (
    <>
      <output data-testid="status">{status}</output>
      <output data-testid="pending">{pending}</output>
      <ul aria-busy={items.isPending}>
        {items.data?.map((item) => (
          <Row key={item.id} item={item} />
        ))}
      </ul>
    </>
  )
}

const Row = memo(function Row({ item }: { item: Item }) {
  const { id } = item
  const rename = useMutation(RenameItem)
  const tick = useMutation(TickItem)
  const paint = useMutation(PaintItem)
  const commitTitle = (title: string) => {
    commits.push(title)
    rename.mutate({ id, title })
  }
  const title = useField(item.title, commitTitle, options)
  const done = useField(item.done, (done) => tick.mutate({ id, done: done === 1 }))
  const color = useField(item.color, (color) => paint.mutate({ id, color }))
  return (
    <li style={{ contentVisibility: "auto", containIntrinsicSize: "auto 1.5rem" }}>
      <input aria-label={`title ${id}`} {...title.input} data-is-dirty={title.isDirty} />
      <input aria-label={`done ${id}`} type="checkbox" {...done.checkbox} />
      <select aria-label={`color ${id}`} {...color.input}>
        {["red", "green", "blue"].map((name) => (
          <option key={name}>{name}</option>
        ))}
      </select>
      {title.error !== null && <span role="alert">{title.error.code}</span>}
    </li>
  )
})

/** Items of several documents, without a provider of their own. */
function ItemsOf({ docs }: { docs: readonly string[] }) {
  const lf = useLf()
  const items = useQuery(itemsOfAll, { docs })
  useEffect(() => {
    const add = async (doc: string, title: string) => {
      await lf.document(doc).mutate(AddItems, { count: 1, title })
    }
    Object.assign(window, { add })
  }, [lf])
  return (
    <ul aria-busy={items.isPending}>
      {items.data?.map(({ _doc, id, title }) => (
        <li key={`${_doc}/${id}`}>
          {_doc}: {title}
        </li>
      ))}
      {items.error !== null && <li role="alert">{items.error.code}</li>}
    </ul>
  )
}

const docs = asked.get("docs")?.split(",")
const root = document.getElementById("root")
if (root !== null) {
  createRoot(root).render(
    <>
      <LfProvider doc={asked.get("doc") ?? "items"} worker={connect}>
        {docs === undefined ? <Items /> : <ItemsOf docs={docs} />}
      </LfProvider>
      <LfDevtools />
    </>,
  )
}
