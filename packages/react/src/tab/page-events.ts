/** What the page learns about itself that a document must know. */
export interface PageEvents {
  /** It is looked at again, or the network may be back. */
  awake(): void
  /** It comes back from the back/forward cache: what was told to it meanwhile went nowhere. */
  thawed(): void
}

/** Returns its undo. */
export function watchPage({ awake, thawed }: PageEvents): () => void {
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
