import type { Log } from "../log/log.ts"
import { processGlobal } from "../process/globals.ts"

const SIGNALS = ["SIGTERM", "SIGINT"] as const
/** How long a stop may take: orchestrators kill after that. */
const STOP_MS_MAX = 10_000

interface StopState {
  listener: ((signal: NodeJS.Signals) => void) | null
  /** Resolves when the documents are closed. */
  stopping: Promise<void> | null
}

function state(): StopState {
  return processGlobal("stop", () => ({ listener: null, stopping: null }))
}

/**
 * Closes the documents on a stop signal, once per process. The process ends as before: other
 * listeners (Next has its own) end it, and without any the signal is raised again afterwards.
 */
export function closeOnSignals(closeAll: () => Promise<void>, log: Log): void {
  const stop = state()
  if (stop.listener !== null) return
  stop.listener = (signal) => void onSignal(signal, closeAll, log)
  // First, so that a server which another listener closes waits for the documents.
  for (const signal of SIGNALS) process.prependListener(signal, stop.listener)
}

/** No document is open any more: removes the listeners. */
export function forgetSignals(): void {
  const stop = state()
  if (stop.listener === null) return
  for (const signal of SIGNALS) process.off(signal, stop.listener)
  stop.listener = null
}

/** Runs now, or after the documents are closed if the process is stopping. */
export function afterStop(run: () => void): void {
  const { stopping } = state()
  if (stopping === null) run()
  else void stopping.then(run)
}

async function onSignal(signal: NodeJS.Signals, closeAll: () => Promise<void>, log: Log): Promise<void> {
  const isAlone = process.listenerCount(signal) === 1
  // A second one ends the process at once.
  forgetSignals()
  log({ level: "info", event: "stopping", detail: signal })
  const stop = state()
  stop.stopping = inTime(closeAll(), log)
  await stop.stopping
  stop.stopping = null
  if (isAlone) process.kill(process.pid, signal)
}

async function inTime(closed: Promise<void>, log: Log): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), STOP_MS_MAX)
  })
  const isClosed = await Promise.race([
    closed.then(
      () => true,
      () => false,
    ),
    late,
  ])
  clearTimeout(timer)
  if (!isClosed) log({ level: "error", event: "stop-failed" })
}
