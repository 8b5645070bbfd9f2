import { spawnSync } from "node:child_process"

/** A wrapper that gives a program its own process ids, as a container does; what it starts ends with it. */
const WRAPPERS = [
  ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"],
  ["unshare", "--map-root-user", "--pid", "--fork", "--kill-child", "--mount-proc"],
]

/** The wrapper that this machine supports; null: none. */
export function pidNamespace(): readonly string[] | null {
  return WRAPPERS.find(([program, ...args]) => spawnSync(program, [...args, "true"]).status === 0) ?? null
}
