// Where a document's log lies, on a disk that stops at any of its calls: one such disk for each of the three logs.
import { LfError, MemoryDisk, type OpenedLog, type SeededRandom } from "@lf/core/testing"
import { openFsLog } from "../../packages/next/src/node/fs-log.ts"
import { CrashDisk, LOSSES } from "../../packages/next/src/testing/crash-disk.ts"
import { BrowserDisk } from "./browser-disk.ts"
import { Countdown, type End } from "./countdown.ts"

export interface Medium {
  /** Calls since the last start. */
  readonly calls: number
  open(): Promise<OpenedLog>
  /** From now on the `call`-th call is the last one that is answered. */
  stopAt(call: number, end: End): void
  /** The machine starts again. What was not synced is lost, or a part of it; nothing stops any more. */
  reboot(): void
}

export const media = {
  memory: (random: SeededRandom): Medium => new MemoryMedium(random),
  fs: (random: SeededRandom): Medium => new FsMedium(random),
  browser: (random: SeededRandom): Medium => new BrowserDisk(random),
}

class FsMedium implements Medium {
  readonly #disk = new CrashDisk()
  readonly #random: SeededRandom

  constructor(random: SeededRandom) {
    this.#random = random
    this.#disk.keep = (bytes) => random.below(bytes + 1)
  }

  get calls(): number {
    return this.#disk.calls
  }

  open(): Promise<OpenedLog> {
    return openFsLog("d", this.#disk.fs)
  }

  stopAt(call: number, end: End): void {
    this.#disk.stopAt = this.#disk.calls + call
    this.#disk.failWith = end === "crash" ? null : end === "full" ? "ENOSPC" : "EIO"
  }

  reboot(): void {
    this.#disk.reboot(this.#random.pick(LOSSES))
  }
}

class MemoryMedium implements Medium {
  readonly #random: SeededRandom
  readonly #disk: MemoryDisk
  readonly #countdown = new Countdown()

  constructor(random: SeededRandom) {
    this.#random = random
    this.#disk = new MemoryDisk(() => this.#sync())
  }

  async open(): Promise<OpenedLog> {
    await this.#sync()
    return this.#disk.open("d")
  }

  get calls(): number {
    return this.#countdown.calls
  }

  stopAt(call: number, end: End): void {
    this.#countdown.stopAt(call, end)
  }

  reboot(): void {
    this.#crash()
    this.#countdown.restart()
  }

  /** Every call of this disk is a sync: what it was to make durable is written, and not yet durable. */
  async #sync(): Promise<void> {
    if (this.#countdown.next() === "alive") return
    const { end } = this.#countdown
    if (end === "crash") this.#crash()
    throw new LfError(end === "full" ? "LOG_FULL" : "LOG_FAILED", "the disk ends here")
  }

  #crash(): void {
    const random = this.#random
    this.#disk.crash((bytes) => random.pick([0, bytes, random.below(bytes + 1)]))
  }
}
