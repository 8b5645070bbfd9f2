import { spawnSync } from "node:child_process"

/** A wrapper that gives a program process ids of its own, as a container does; what it starts dies with it. */
const WRAPPERS = [
  ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"],
  ["unshare", "--map-root-user", "--pid", "--fork", "--kill-child", "--mount-proc"],
]

/** The wrapper that this machine allows; null: none. */
export function pidNamespace(): readonly string[] | null {
  return WRAPPERS.find(([program, ...args]) => spawnSync(program, [...args, "true"]).status === 0) ?? null
}
