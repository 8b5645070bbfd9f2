import { describe, expect, test } from "vitest"
import type { Host } from "../base/host.ts"

/** What every host must do. `pass` lets that many milliseconds go by, at least. */
export function hostContract(name: string, make: () => { host: Host; pass(ms: number): Promise<void> }): void {
  describe(`host contract: ${name}`, () => {
    test("monotonic time never goes back, and grows when time passes", async () => {
      const { host, pass } = make()
      const before = host.monotonicMs()
      await pass(20)
      expect(host.monotonicMs()).toBeGreaterThanOrEqual(before + 10)
    })

    test("random bytes have the length that was asked for, and differ", () => {
      const { host } = make()
      expect(host.randomBytes(0)).toHaveLength(0)
      const [a, b] = [host.randomBytes(32), host.randomBytes(32)]
      expect(a).toHaveLength(32)
      expect(a).not.toEqual(b)
    })

    test("after calls once, in the order of the delays; what was cancelled is not called", async () => {
      const { host, pass } = make()
      const calls: string[] = []
      host.after(30, () => calls.push("late"))
      host.after(5, () => calls.push("early"))
      const cancel = host.after(10, () => calls.push("cancelled"))
      cancel()
      cancel()
      await pass(200)
      expect(calls).toEqual(["early", "late"])
    })
  })
}
