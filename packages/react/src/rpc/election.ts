import type { Port } from "./protocol.ts"

// Where there are no SharedWorkers each tab brings a dedicated worker, and one of these serves all tabs. No port can be sent
// from tab to tab, so each is a BroadcastChannel with two ends.

/** Between all tabs and all workers of one script. */
export type ElectionMessage =
  /** A tab listens at the port of this name: the serving worker connects to it. */
  | { readonly type: "connect"; readonly port: string }
  /** A worker begins to serve. */
  | { readonly type: "serves" }
  /** Development: every tab makes its worker anew, with newer code. */
  | { readonly type: "renew" }

/** From a worker to the tab that brought it: its script runs, and has this name. */
export interface CandidateMessage {
  readonly type: "candidate"
  readonly script: string
}

/** From the tab to the worker that it brought: the one that serves is silent; take its place. */
export interface DeposeMessage {
  readonly type: "depose"
}

/** The Web Lock that the serving worker holds. */
export function servingLock(script: string): string {
  return `lf/1/serving/${script}`
}

export function electionChannel(script: string): BroadcastChannel {
  return new BroadcastChannel(`lf/1/election/${script}`)
}

/** One end of a port of this name. Messages are lost that are sent before the other end is there. */
export function channelPort<Out, In>(name: string): Port<Out, In> {
  const channel = new BroadcastChannel(`lf/1/port/${name}`)
  return {
    post: (message) => channel.postMessage(message),
    listen(listener) {
      channel.onmessage = ({ data }: MessageEvent) => listener(data as In) // the other end is lf's own code
    },
    close: () => channel.close(),
  }
}
