/** Called with what happens on a pipe, one call after the other. */
export interface PipeListener {
  /** A whole frame; the bytes are the listener's to keep. */
  frame(frame: Uint8Array): void
  /** The pipe is gone; nothing comes after it. */
  closed(reason: string): void
}

/** One open connection, seen from either end. Frames arrive whole and in order, or the pipe closes. */
export interface Pipe {
  /** How frames travel, for development tools. */
  readonly transport?: string
  /** Sends a frame. On a closed pipe it does nothing: `closed` reports the end. */
  send(frame: Uint8Array): void
  close(reason: string): void
  /** Called once, before anything was received. */
  listen(listener: PipeListener): void
}

/** Connects to a server. `connect` rejects when it cannot be reached now. */
export interface Network {
  connect(): Promise<Pipe>
}
