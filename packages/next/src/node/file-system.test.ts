import { tmpdir } from "node:os"
import { expect, test } from "vitest"
import { remoteFileSystem } from "./file-system.ts"
import { warningOf } from "./owner-lock.ts"

const of = (type: number) => remoteFileSystem("/data", async () => ({ type }))

test.skipIf(process.platform !== "linux")(
  "a file system of another machine or of a program is known by its number",
  async () => {
    const numbers = [0x6969, 0x517b, 0xff534d42, 0xfe534d42, 0x65735546, 0x01021997, 0x00c36400, 0x0bd00bd0, 0x5346414f]
    expect(await Promise.all(numbers.map(of))).toEqual([
      "NFS",
      "SMB",
      "CIFS",
      "SMB",
      "FUSE",
      "9p",
      "Ceph",
      "Lustre",
      "AFS",
    ])
    // ext4, xfs, btrfs, overlayfs, tmpfs
    const local = [0xef53, 0x58465342, 0x9123683e, 0x794c7630, 0x01021994]
    expect(await Promise.all(local.map(of))).toEqual(local.map(() => null))
    // A number of 32 bits may come with a sign.
    expect(await of(0xff534d42 | 0)).toBe("CIFS")
  },
)

test("a system that does not say what it is, is taken for local", async () => {
  expect(await remoteFileSystem("/data", () => Promise.reject(new Error("ENOSYS")))).toBe(null)
  expect(await remoteFileSystem(tmpdir())).toBe(null)
})

test("the operator reads what is supported and what to do", () => {
  expect(warningOf("/data", "NFS")).toMatch(/^\/data is on NFS: supported are local file systems.*move LF_DATA_DIR/)
})
