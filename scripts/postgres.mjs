// Finds PostgreSQL's programs, or installs Debian's package of them, and starts servers for tests and benchmarks: on
// loopback, in a directory of their own, with fsync, ended with the process that started them.
import { execFileSync, spawn } from "node:child_process"
import { chownSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { askedFor, install, which } from "./tools.mjs"

const debianFolder = "/usr/lib/postgresql"
/** PostgreSQL refuses to run as root. Without a user `postgres`: the id that owns no files. */
const unusedId = 65_534
const startMsMax = 20_000

/** The folder of `postgres` and `initdb`: LF_POSTGRES_BIN, the newest of Debian's, or the PATH's. @throws when there is none */
export async function findPostgres() {
  const found = askedFor("LF_POSTGRES_BIN") ?? newest() ?? (await onPath())
  if (found !== undefined) return found
  if (await install("postgresql")) {
    const installed = newest()
    if (installed !== undefined) return installed
  }
  throw new Error(
    "No PostgreSQL was found and none could be installed: install it (on Debian: apt-get install postgresql) or set LF_POSTGRES_BIN to the folder of its programs.",
  )
}

/**
 * A new server. `connectionString` is of its superuser `lf`. `cut` ends every connection without a shutdown, as
 * `pg_ctl stop -m immediate` does; `start` starts it again on the same port. With `smallDiskBytes` it has a second disk of that
 * size, whose folder `smallDisk` only its own processes see.
 */
export async function startPostgres({ smallDiskBytes = 0 } = {}) {
  const options = ["-U", "lf", "--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C"]
  return await start({ smallDiskBytes, program: "initdb", options: (data) => ["-D", data, ...options] })
}

/** A standby that follows the server on this port. */
export async function startStandby(port) {
  const from = [
    "-h",
    "127.0.0.1",
    "-p",
    String(port),
    "-U",
    "lf",
    "-R",
    "-X",
    "stream",
    "--checkpoint=fast",
    "--no-sync",
  ]
  return await start({ program: "pg_basebackup", options: (data) => ["-D", data, ...from] })
}

async function start({ program, options, smallDiskBytes = 0 }) {
  const bin = await findPostgres()
  const identity = unprivileged()
  const directory = mkdtempSync(join(tmpdir(), "lf-postgres-"))
  if (identity.uid !== undefined) chownSync(directory, identity.uid, identity.gid)
  const data = join(directory, "data")
  const smallDisk = join(directory, "small")
  mkdirSync(smallDisk)
  execFileSync(join(bin, program), options(data), { ...identity, cwd: directory, stdio: "ignore" })
  const port = await freePort()
  const connectionString = `postgres://lf:secret@127.0.0.1:${port}/postgres`
  const wrapper = smallDiskBytes === 0 ? [] : onDisk(smallDisk, smallDiskBytes)
  const startAgain = () => startServer({ bin, data, port, identity, directory, wrapper })
  let server = await startAgain()
  const cut = async () => {
    server.kill("SIGQUIT")
    await server.ended
  }
  const start = async () => {
    server = await startAgain()
  }
  return {
    port,
    connectionString,
    smallDisk: join(smallDisk, "tables"),
    cut,
    start,
    async restart() {
      await cut()
      await start()
    },
    async stop() {
      server.kill("SIGINT")
      await server.ended
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

// The shell ends the server when this process is gone, however that came about: its input ends then.
async function startServer({ bin, data, port, identity, directory, wrapper }) {
  const settings = ["listen_addresses=127.0.0.1", "unix_socket_directories=", "fsync=on", "max_connections=200"]
  const args = ["-D", data, "-p", String(port), ...settings.flatMap((setting) => ["-c", setting])]
  const watch = '"$@" <&- & server=$!; (cat > /dev/null; kill -INT $server) & wait $server; kill $!'
  const child = spawn(
    "sh",
    ["-c", `exec 3<&0; ${watch.replace("(cat", "(cat <&3")}`, "sh", ...wrapper, join(bin, "postgres"), ...args],
    {
      ...identity,
      cwd: directory,
      stdio: ["pipe", "ignore", "pipe"],
    },
  )
  const lines = []
  child.stderr.on("data", (chunk) => lines.push(chunk))
  let isEnded = false
  const ended = new Promise((resolve) => child.once("exit", resolve)).then(() => {
    isEnded = true
  })
  const pidFile = join(data, "postmaster.pid")
  const startedMs = performance.now()
  // The eighth line of the file says what state the server is in.
  while (!isReady(pidFile)) {
    if (isEnded || performance.now() - startedMs > startMsMax)
      throw new Error(`PostgreSQL did not start:\n${Buffer.concat(lines)}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  const pid = Number(readFileSync(pidFile, "utf8").split("\n")[0])
  const kill = (signal) => {
    if (!isEnded) process.kill(pid, signal)
  }
  return { ended, kill }
}

function isReady(pidFile) {
  const state = existsSync(pidFile) ? readFileSync(pidFile, "utf8").split("\n")[7]?.trim() : undefined
  return state === "ready" || state === "standby"
}

/** Runs what follows with a disk of its own in this folder, which is gone with it. */
function onDisk(folder, bytes) {
  const mount = `mount -t tmpfs -o size=${bytes},mode=700 tmpfs ${folder} && mkdir -m 700 ${folder}/tables && exec "$@"`
  return ["unshare", "--user", "--map-current-user", "--keep-caps", "--mount", "sh", "-c", mount, "sh"]
}

function newest() {
  if (!existsSync(debianFolder)) return undefined
  const versions = readdirSync(debianFolder).sort((a, b) => Number(b) - Number(a))
  const folders = versions.map((version) => join(debianFolder, version, "bin"))
  return folders.find((folder) => existsSync(join(folder, "initdb")))
}

async function onPath() {
  const program = await which("initdb")
  return program?.slice(0, -"/initdb".length)
}

function unprivileged() {
  if (process.getuid?.() !== 0) return {}
  try {
    const id = (flag) => Number(execFileSync("id", [flag, "postgres"], { encoding: "utf8", stdio: "pipe" }))
    return { uid: id("-u"), gid: id("-g") }
  } catch {
    return { uid: unusedId, gid: unusedId }
  }
}

function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once("error", reject)
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address()
      server.close(() => resolve(port))
    })
  })
}
