/** The page's events that a document needs. */
export interface PageEvents {
  /** The page is visible again, or the network may be back. */
  awake(): void
  /** The page is restored from the back/forward cache: messages to it meanwhile were lost. */
  thawed(): void
}

/** Returns its undo. */
export function watchPage({ awake, thawed }: PageEvents): () => void {
  // The undo comes seconds after the last component: a test runner may have taken the page's globals by then.
  const { document, window } = globalThis
  const look = () => {
    if (document.visibilityState === "visible") awake()
  }
  const show = (event: PageTransitionEvent) => {
    if (event.persisted) thawed()
  }
  document.addEventListener("visibilitychange", look)
  window.addEventListener("online", look)
  window.addEventListener("pageshow", show)
  return () => {
    document.removeEventListener("visibilitychange", look)
    window.removeEventListener("online", look)
    window.removeEventListener("pageshow", show)
  }
}
