import type { MouseEvent } from "react"
import { type Filter, filters } from "./use-hash-filter"

interface TodoFooterProps {
  readonly activeCount: number
  readonly completedCount: number
  readonly filter: Filter
  readonly onClear: () => void
}

export function TodoFooter({ activeCount, completedCount, filter, onClear }: TodoFooterProps) {
  const handleClear = (event: MouseEvent) => {
    // Pressed by keyboard: the focus would vanish with the button.
    if (event.detail === 0) document.querySelector<HTMLElement>(".new-todo")?.focus()
    onClear()
  }
  return (
    <footer className="footer">
      <span className="todo-count" data-testid="todo-count">
        <strong>{activeCount}</strong> {activeCount === 1 ? "item" : "items"} left
      </span>
      <nav className="filters-place" aria-label="Filters">
        <ul className="filters">
          {filters.map(({ name, hash, label }) => (
            <li key={name}>
              <a href={hash} className={name === filter ? "selected" : ""} aria-current={name === filter || undefined}>
                {label}
              </a>
            </li>
          ))}
        </ul>
      </nav>
      {completedCount > 0 && (
        <button type="button" className="clear-completed" onClick={handleClear}>
          Clear completed
        </button>
      )}
    </footer>
  )
}
