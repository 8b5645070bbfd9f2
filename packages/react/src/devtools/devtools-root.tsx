import { type ReactElement, useEffect, useRef, useState, useSyncExternalStore } from "react"
import { createPortal } from "react-dom"
import { shownHandles, watchShownHandles } from "../hooks/shown-handles.ts"
import type { WorkerFactory } from "../tab/make-worker.ts"
import { DevtoolsConnection } from "./devtools-connection.ts"
import { Panel, type PanelProps } from "./panel.tsx"
import { PANEL_CSS } from "./panel-css.ts"

export interface DevtoolsRootProps {
  readonly version?: string | undefined
}

/** The button in the corner and the panel that it opens, in a shadow root at the end of the page. */
export function DevtoolsRoot({ version }: DevtoolsRootProps): ReactElement | null {
  const root = useShadowRoot()
  const [isOpen, setOpen] = useState(false)
  const opener = useRef<HTMLButtonElement>(null)
  /** What had the focus when the panel was opened: it gets it back. */
  const before = useRef<Element | null>(null)
  const open = () => {
    before.current = document.activeElement
    setOpen(true)
  }
  const close = () => {
    setOpen(false)
    const { current } = before
    const isOfPage = current instanceof HTMLElement && current.isConnected && current !== root?.host
    if (isOfPage && current !== document.body) current.focus()
    else opener.current?.focus()
  }
  useShortcut(isOpen ? close : open)
  if (root === null) return null
  return createPortal(
    <div className="root">
      <button
        type="button"
        className="opener"
        ref={opener}
        aria-label="Open lf devtools"
        aria-expanded={isOpen}
        title="lf devtools (Ctrl or Cmd + Shift + L)"
        onClick={open}
      >
        lf
      </button>
      {isOpen && <ConnectedPanel version={version} onClose={close} />}
    </div>,
    root,
  )
}

/** Connects to the worker of the first provider in the page. */
function ConnectedPanel({ version, onClose }: Pick<PanelProps, "version" | "onClose">): ReactElement {
  const handles = useSyncExternalStore(watchShownHandles, shownHandles, shownHandles)
  const first = handles.at(0)
  const connection = useConnection(first?.worker ?? null)
  return <Panel connection={connection} handles={handles} version={version} onClose={onClose} />
}

/** Made again only when there was no worker: a render makes its `worker` function anew. */
function useConnection(worker: WorkerFactory | null): DevtoolsConnection | null {
  const [connection, setConnection] = useState<DevtoolsConnection | null>(null)
  const latest = useRef(worker)
  useEffect(() => {
    latest.current = worker
  })
  const hasWorker = worker !== null
  useEffect(() => {
    if (!hasWorker || latest.current === null) return
    const made = new DevtoolsConnection(latest.current)
    setConnection(made)
    return () => {
      setConnection(null)
      made.close()
    }
  }, [hasWorker])
  return connection
}

function useShadowRoot(): ShadowRoot | null {
  const [root, setRoot] = useState<ShadowRoot | null>(null)
  useEffect(() => {
    const host = document.createElement("lf-devtools")
    const made = host.attachShadow({ mode: "open" })
    // A sheet made here, unlike a style element, is allowed by every Content-Security-Policy. jsdom has none.
    if ("adoptedStyleSheets" in made) {
      const sheet = new CSSStyleSheet()
      sheet.replaceSync(PANEL_CSS)
      made.adoptedStyleSheets = [sheet]
    }
    setRoot(made)
    document.body.append(host)
    return () => host.remove()
  }, [])
  return root
}

function useShortcut(toggle: () => void): void {
  const latest = useRef(toggle)
  useEffect(() => {
    latest.current = toggle
  })
  useEffect(() => {
    const listen = (event: KeyboardEvent) => {
      if (event.code !== "KeyL" || !event.shiftKey || !(event.ctrlKey || event.metaKey)) return
      event.preventDefault()
      latest.current()
    }
    addEventListener("keydown", listen)
    return () => removeEventListener("keydown", listen)
  }, [])
}
