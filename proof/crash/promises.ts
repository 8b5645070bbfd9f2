// What was promised before a crash: the outcome that a mutation's author got, what the server acknowledged and showed.
import { auditQuery, clientIdOf, decodeMessage, type Fate, type Local, type Pipe, type Remote } from "@lf/core/testing"

interface Made {
  readonly fate: Fate
  isResolved: boolean
  reported: "applied" | "rejected" | null
}

export class Promises {
  readonly #made = new Map<string, Made>()
  readonly #rejected = new Set<string>()
  /** The server's pages by epoch and position, as it showed them. */
  readonly #shown = new Map<string, bigint>()
  #acknowledged = new Map<string, number>()

  made(uid: string, fate: Fate): void {
    this.#made.set(uid, { fate, isResolved: false, reported: null })
  }

  resolved(uid: string): void {
    const made = this.#made.get(uid)
    if (made !== undefined) made.isResolved = true
  }

  reported(uid: string, type: "applied" | "rejected"): void {
    const made = this.#made.get(uid)
    if (made !== undefined) made.reported = type
    if (type === "rejected") this.#rejected.add(uid)
  }

  /** A pipe whose server's end is observed. */
  witnessed(pipe: Pipe, remote: Remote): Pipe {
    let clientId = ""
    return {
      send: (frame) => {
        const message = decodeMessage(frame)
        if (message.type === "cursor") this.#acknowledged.set(clientId, message.lsn)
        if (message.type === "pages") this.#shown.set(`${remote.epoch}/${message.to}`, message.changeset.after)
        if (message.type === "chunk") this.#shown.set(`${remote.epoch}/${message.to}`, message.checksum)
        pipe.send(frame)
      },
      close: (reason) => pipe.close(reason),
      listen: (listener) =>
        pipe.listen({
          frame: (frame) => {
            const message = decodeMessage(frame)
            if (message.type === "hello") clientId = clientIdOf(message.secret)
            listener.frame(frame)
          },
          closed: (reason) => listener.closed(reason),
        }),
    }
  }

  /** A server that came back has all that it showed (I4). What it acknowledged it must still know (I3). */
  judgeServer(remote: Remote): string | null {
    for (const [key, checksum] of this.#shown) {
      const [epoch, position] = key.split("/")
      if (epoch !== remote.epoch) return `I8: the epoch changed from ${epoch}`
      if (Number(position) > remote.lsn()) return `I4: it showed ${position} and is at ${remote.lsn()}`
      if (Number(position) === remote.lsn() && checksum !== remote.checksum) return `I4: other pages at ${position}`
    }
    return null
  }

  /** A device that came back shows all that it promised, or has it in the server's hands (I7). */
  judgeDevice(local: Local, remote: Remote): string | null {
    const { cursor, epoch } = local
    const checksum = this.#shown.get(`${epoch}/${cursor}`)
    if (cursor > 0 && checksum !== local.base.checksum) return `I5: it has other pages at ${cursor}`
    const seen = new Set(local.query(auditQuery).map(({ uid }) => uid))
    for (const { uid } of local.rejections) this.#rejected.add(uid)
    // Without a base the rows of what was applied are fetched again; what is pending must be here all the same.
    const atServer = cursor > 0 ? [] : remote.query(auditQuery)
    for (const { uid } of atServer) seen.add(uid)
    for (const [uid, { fate, isResolved }] of this.#made) {
      if (isResolved && fate === "always" && !seen.has(uid)) return `I7: ${uid} was promised and is not to be seen`
    }
    return null
  }

  /** Everything is at rest: each once or rejected, and client and server show the same (I9, I10, I19). */
  judgeRest(local: Local, remote: Remote): string | null {
    for (const { uid } of local.rejections) this.#rejected.add(uid)
    const runs = new Map(remote.query(auditQuery).map(({ uid, n }) => [uid, n]))
    for (const [uid, n] of runs) if (n !== 1) return `I9: ${uid} ran ${n} times`
    for (const [uid, { fate, isResolved, reported }] of this.#made) {
      const isApplied = runs.has(uid)
      if (isResolved && !isApplied && !this.#rejected.has(uid)) return `I9: ${uid} (${fate}) is lost`
      if (reported === "applied" && !isApplied) return `I3: ${uid} was reported as applied and is not there`
      if (isApplied && (fate === "never" || this.#rejected.has(uid))) return `I10: ${uid} left an effect`
    }
    if (local.base.checksum !== remote.checksum) return "I5: the pages differ at rest"
    return null
  }
}
