import { statfs } from "node:fs/promises"

/** Linux's magic numbers of network and FUSE file systems, whose locks and caches this kernel does not control. */
const REMOTE: ReadonlyMap<number, string> = new Map([
  [0x6969, "NFS"],
  [0x517b, "SMB"],
  [0xff534d42, "CIFS"],
  [0xfe534d42, "SMB"],
  [0x65735546, "FUSE"],
  [0x01021997, "9p"],
  [0x00c36400, "Ceph"],
  [0x0bd00bd0, "Lustre"],
  [0x5346414f, "AFS"],
])

/** The name of the file system under `path` when it is not local; null: it is, or is unknown. */
export async function remoteFileSystem(
  path: string,
  ask: (path: string) => Promise<{ readonly type: number }> = statfs,
): Promise<string | null> {
  // Elsewhere the numbers mean something else.
  if (process.platform !== "linux") return null
  try {
    const { type } = await ask(path)
    // As signed 32-bit numbers the large ones are negative.
    return REMOTE.get(type >>> 0) ?? null
  } catch {
    // A kernel without statfs is no reason not to start.
    return null
  }
}
