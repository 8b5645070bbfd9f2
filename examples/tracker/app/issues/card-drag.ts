// Cards that are dragged from column to column by mouse, pen or finger. The browser's own drag and drop has no fingers in
// most browsers, and no buttons in Firefox.

/** A finger that rests this long lifts a card; one that moves before that scrolls. */
const HOLD_MS = 300
const FINGER_PX_MAX = 8
const MOUSE_PX_MAX = 4
/** Near an edge the board scrolls, so that columns outside of a phone's screen are reached. */
const EDGE_PX = 44
const SCROLL_PX = 10

export interface Dragged {
  readonly card: string
  readonly column: string | null
}

interface DragHandlers {
  /** What is dragged and the column below it; null when it is over. */
  readonly onDrag: (dragged: Dragged | null) => void
  readonly onDrop: (card: string, column: string) => void
}

/** Cards have `data-card`, columns `data-column`. Returns its undo. */
export function watchDrags(board: HTMLElement, handlers: DragHandlers): () => void {
  let press: Press | null = null
  let drag: Drag | null = null
  let hasJustDragged = false

  const end = () => {
    press?.end()
    drag?.end()
    press = null
    drag = null
  }
  const lift = (event?: PointerEvent) => {
    if (press === null) return
    drag = new Drag(press, board, handlers)
    if (event !== undefined) drag.move(event)
    press.end()
    press = null
    hasJustDragged = true
  }
  const listeners: Listeners = {
    pointerdown: (event) => {
      end()
      hasJustDragged = false
      const card = event.target instanceof Element ? event.target.closest<HTMLElement>("[data-card]") : null
      if (card !== null && event.button === 0 && event.isPrimary) press = new Press(card, event, lift)
    },
    pointermove: (event) => {
      if (drag !== null) drag.move(event)
      else if (press?.isMoved(event)) press.isFinger ? end() : lift(event)
    },
    pointerup: (event) => {
      drag?.move(event)
      drag?.drop()
      end()
    },
    pointercancel: end,
    // The window's, not that of the field which had the focus.
    blur: (event) => event.target === window && end(),
    keydown: (event) => {
      if (drag === null || event.key !== "Escape") return
      stop(event)
      end()
    },
    // A finger that drags does not scroll.
    touchmove: (event) => drag !== null && event.cancelable && event.preventDefault(),
    contextmenu: (event) => drag !== null && event.preventDefault(),
    // The end of a drag is no click; a key's has no count.
    click: (event) => hasJustDragged && event.detail > 0 && board.contains(event.target as Node) && stop(event),
  }
  // A listener for presses alone is the board's: what follows may end outside of it.
  const abort = new AbortController()
  for (const [type, listener] of Object.entries(listeners)) {
    const target = type === "pointerdown" || type === "touchmove" ? board : window
    target.addEventListener(type, listener as (event: Event) => void, {
      capture: true,
      passive: false,
      signal: abort.signal,
    })
  }
  return () => {
    abort.abort()
    end()
  }
}

type Listeners = { readonly [K in keyof WindowEventMap]?: (event: WindowEventMap[K]) => unknown }

function stop(event: Event): void {
  event.preventDefault()
  event.stopPropagation()
}

/** A pointer that is down on a card, which may become a click, a scroll or a drag. */
class Press {
  readonly card: HTMLElement
  readonly start: PointerEvent
  readonly isFinger: boolean
  readonly #timer: ReturnType<typeof setTimeout> | undefined

  constructor(card: HTMLElement, start: PointerEvent, onHeld: () => void) {
    this.card = card
    this.start = start
    this.isFinger = start.pointerType === "touch"
    this.#timer = this.isFinger ? setTimeout(onHeld, HOLD_MS) : undefined
  }

  isMoved({ clientX, clientY }: PointerEvent): boolean {
    const far = Math.hypot(clientX - this.start.clientX, clientY - this.start.clientY)
    return far > (this.isFinger ? FINGER_PX_MAX : MOUSE_PX_MAX)
  }

  end(): void {
    clearTimeout(this.#timer)
  }
}

/** A card in the air: a copy of it follows the pointer. */
class Drag {
  readonly #id: string
  readonly #from: string | null
  readonly #ghost: HTMLElement
  readonly #scroller: HTMLElement | null
  readonly #handlers: DragHandlers
  readonly #grip: { readonly x: number; readonly y: number }
  #at: { readonly x: number; readonly y: number }
  #column: string | null = null
  #frame = 0

  constructor({ card, start }: Press, board: HTMLElement, handlers: DragHandlers) {
    const { left, top, width } = card.getBoundingClientRect()
    this.#id = card.dataset.card ?? ""
    this.#from = columnOf(card)
    this.#scroller = board.parentElement
    this.#handlers = handlers
    this.#grip = { x: start.clientX - left, y: start.clientY - top }
    this.#at = { x: start.clientX, y: start.clientY }
    this.#ghost = ghostOf(card, width)
    this.#follow()
  }

  move({ clientX, clientY }: PointerEvent): void {
    this.#at = { x: clientX, y: clientY }
    this.#place()
  }

  drop(): void {
    if (this.#column !== null && this.#column !== this.#from) this.#handlers.onDrop(this.#id, this.#column)
  }

  end(): void {
    cancelAnimationFrame(this.#frame)
    this.#ghost.remove()
    this.#handlers.onDrag(null)
  }

  /** At each frame, since the board may scroll below a pointer that rests. */
  #follow(): void {
    this.#scroll()
    this.#place()
    this.#frame = requestAnimationFrame(() => this.#follow())
  }

  #place(): void {
    const { x, y } = this.#at
    this.#ghost.style.translate = `${x - this.#grip.x}px ${y - this.#grip.y}px`
    const column = columnOf(document.elementFromPoint(x, y))
    if (column === this.#column) return
    this.#column = column
    this.#handlers.onDrag({ card: this.#id, column })
  }

  #scroll(): void {
    const box = this.#scroller?.getBoundingClientRect()
    if (box === undefined) return
    if (this.#at.x < box.left + EDGE_PX) this.#scroller?.scrollBy({ left: -SCROLL_PX, behavior: "instant" })
    if (this.#at.x > box.right - EDGE_PX) this.#scroller?.scrollBy({ left: SCROLL_PX, behavior: "instant" })
  }
}

const columnOf = (element: Element | null) => element?.closest<HTMLElement>("[data-column]")?.dataset.column ?? null

function ghostOf(card: HTMLElement, widthPx: number): HTMLElement {
  const ghost = card.cloneNode(true) as HTMLElement // a clone is of the same kind
  ghost.removeAttribute("id")
  delete ghost.dataset.card
  ghost.inert = true
  ghost.classList.add("ghost")
  ghost.style.width = `${widthPx}px`
  document.body.append(ghost)
  return ghost
}
