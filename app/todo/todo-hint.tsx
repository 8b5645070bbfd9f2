import type { ReactNode } from "react"

/** At the bottom of the window, or below a list that is longer: rows that arrive do not move it. */
export function TodoHint({ children }: { readonly children?: ReactNode }) {
  return (
    <footer className="info">
      {children}
      <p>
        <span className="by-mouse">Double-click</span>
        <span className="by-touch">Double-tap</span> to edit a todo. Works offline; anyone with the link shares the
        list.
      </p>
    </footer>
  )
}
