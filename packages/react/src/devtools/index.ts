"use client"
import { createElement, lazy, type ReactElement, Suspense, useSyncExternalStore } from "react"

// Bundlers put the environment's name here, and drop the branch with its import from a production build.
const Root =
  process.env.NODE_ENV === "development"
    ? lazy(async () => ({ default: (await import("./devtools-root.tsx")).DevtoolsRoot }))
    : null

export interface LfDevtoolsProps {
  /** The app's version, such as a commit's hash: bug files carry it. */
  readonly version?: string
}

/**
 * A panel for development: the worker's documents, their tables, queries and mutations, and "Export this bug". Render it
 * once, anywhere in the page. In production it is nothing, and not in the bundle.
 *
 * @example <body><App /><LfDevtools version="1f3c9a" /></body>
 */
export function LfDevtools({ version }: LfDevtoolsProps): ReactElement | null {
  const isPage = useSyncExternalStore(
    noChange,
    () => true,
    () => false,
  )
  return Root === null || !isPage ? null : createElement(Suspense, { fallback: null }, createElement(Root, { version }))
}

function noChange(): () => void {
  return () => {}
}
