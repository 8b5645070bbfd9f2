// What only Linux has, and not every container may: tests that look through it run where it is there.
import { spawnSync } from "node:child_process"
import { tmpdir } from "node:os"

/** The files of tests that this machine cannot run, each with the reason. */
export function impossibleTests(): { file: string; why: string }[] {
  const isTraced = works("strace", ["-qq", "-e", "trace=none", "true"])
  const isMounted = works("unshare", ["--map-root-user", "--mount", "mount", "-t", "tmpfs", "tmpfs", tmpdir()])
  return [
    ...(isTraced ? [] : [{ file: "**/order.test.ts", why: "needs strace (Linux)" }]),
    ...(isMounted ? [] : [{ file: "**/full-disk.test.ts", why: "needs unshare and the right to mount (Linux)" }]),
  ]
}

function works(command: string, args: readonly string[]): boolean {
  return spawnSync(command, args, { stdio: "ignore" }).status === 0
}
