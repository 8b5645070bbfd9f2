import { LfError } from "@lf/core"
import pg from "pg"
import { PatientPool } from "./patient-pool.ts"

/** How long a dead connection may go unnoticed, and so how long an append may hang before it fails. */
const APPEND_MS_MAX = 5_000
/** A rollup deletes what many appends wrote; a part of a checkpoint is 1 MB. */
const WORK_MS_MAX = 30_000
/** Shorter than the lease, or one lost connection would let it run out. */
const RENEW_MS_MAX = 1_000
/** The client waits longer than the server, whose answer says more. */
const ANSWER_MS = 500
/** A paused process must not keep rows locked. */
const IDLE_IN_TRANSACTION_MS_MAX = 10_000
const WORK_CONNECTIONS_MAX = 4
/** What another session has locked may be free soon; longer than this other documents do not wait for it. */
const LOCK_MS_MAX = 2_000
/** Those beyond the first are for others then. The first of each pool stays: there may be no room for it later. */
const WORK_IDLE_MS_MAX = 5_000

/** Connections apart for appends, the lease and mail, so that none of these waits behind checkpoints. */
export interface Connections {
  /** Without user and password: "postgres://host:5432/database". */
  readonly address: string
  readonly appends: pg.Pool
  readonly renewals: pg.Pool
  readonly work: pg.Pool
  /** Mail between nodes: nothing of it waits for a disk. */
  readonly mail: { readonly sending: pg.Pool; readonly taking: pg.Pool; newClient(): pg.Client }
  end(): Promise<void>
}

/** Connects when the first statement is sent, and again after a connection was lost. @throws LOG_FAILED */
export function connectionsTo(connectionString: string): Connections {
  const address = addressOf(connectionString)
  const pool = (name: string, max: number, ms: number) => poolOf(connectionString, { name, max, ms })
  const appends = pool("lf appends", 1, APPEND_MS_MAX)
  const renewals = pool("lf lease", 1, RENEW_MS_MAX)
  const work = pool("lf", WORK_CONNECTIONS_MAX, WORK_MS_MAX)
  const mailPool = (name: string) => poolOf(connectionString, { name, max: 1, ms: APPEND_MS_MAX, isBrief: true })
  const sending = mailPool("lf mail out")
  const taking = mailPool("lf mail in")
  const newClient = () =>
    new pg.Client({
      connectionString,
      application_name: "lf notices",
      connectionTimeoutMillis: APPEND_MS_MAX,
      query_timeout: APPEND_MS_MAX,
      keepAlive: true,
      keepAliveInitialDelayMillis: 1_000,
    })
  const end = async () => {
    await Promise.all([appends, renewals, work, sending, taking].map((one) => one.end()))
  }
  return { address, appends, renewals, work, mail: { sending, taking, newClient }, end }
}

/** Runs `work` in one transaction on one connection, which is not used again when it failed. */
export async function inTransaction<T>(
  pool: pg.Pool,
  begin: string,
  work: (client: pg.PoolClient) => Promise<T>,
): Promise<T> {
  const client = await pool.connect()
  // The pool listens to those alone that it has not given out: one that is cut would end the process.
  client.on("error", ignore)
  try {
    await client.query(begin)
    const result = await work(client)
    await client.query("commit")
    client.off("error", ignore)
    client.release()
    return result
  } catch (error) {
    client.release(true)
    throw error
  }
}

/** The statement under way fails with the same error. */
function ignore(): void {}

function poolOf(
  connectionString: string,
  { name, max, ms, isBrief = false }: { name: string; max: number; ms: number; isBrief?: boolean },
): pg.Pool {
  const options: pg.PoolConfig = {
    connectionString,
    application_name: name,
    min: 1,
    max,
    connectionTimeoutMillis: ms,
    query_timeout: ms + ANSWER_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: 1_000,
    idleTimeoutMillis: WORK_IDLE_MS_MAX,
    allowExitOnIdle: true,
    onConnect: (client) => setUp(client, { ms, isBrief }),
  }
  const pool = new PatientPool(options, ms)
  // A connection that is lost while idle leaves the pool, and the next statement makes another.
  pool.on("error", () => {})
  return pool
}

/**
 * By a statement: poolers refuse a connection that asks for this at its start. A database or role may be set to acknowledge before
 * the disk has it, and stronger settings stay (I3); a commit of what is not logged needs no disk.
 */
async function setUp(client: pg.ClientBase, { ms, isBrief }: { ms: number; isBrief: boolean }): Promise<void> {
  await client.query(
    `select set_config('statement_timeout', $1, false), set_config('idle_in_transaction_session_timeout', $2, false),
      set_config('datestyle', 'ISO', false), set_config('lock_timeout', $4, false),
      set_config('synchronous_commit', case
        when $3 then 'off'
        when current_setting('synchronous_commit') = 'off' then 'on'
        else current_setting('synchronous_commit')
      end, false)`,
    [`${ms}`, `${IDLE_IN_TRANSACTION_MS_MAX}`, isBrief, `${LOCK_MS_MAX}`],
  )
}

/** The driver takes anything for an address, and its own errors hold the string, with its password. */
function addressOf(connectionString: string): string {
  const { protocol, host: given, pathname, search } = urlOf(connectionString)
  if (protocol !== "postgres:" && protocol !== "postgresql:") throw unreadable(`got one that begins with ${protocol}`)
  // What stands before it may be half of a password.
  if (pathname.includes("@")) throw unreadable(`got one with an "@" behind the host; ${ENCODED}`)
  // A directory with a socket is a parameter.
  const named = new URLSearchParams(search).get("host") ?? given
  if (named === "") throw unreadable("got one without a host")
  if (named.includes(",")) throw unreadable(SEVERAL)
  try {
    const { host, port, database } = new pg.Client({ connectionString })
    return `postgres://${host}:${port}/${database}`
  } catch {
    throw unreadable("got one that the driver cannot read")
  }
}

const SEVERAL = "got several hosts: name one that moves with the primary, or a proxy"
const ENCODED = "a password's special characters are percent-encoded"

function urlOf(text: string): URL {
  try {
    return new URL(text)
  } catch {
    // Ports of several are no address.
    throw unreadable(/:\d+,[^@]*:\d+\//.test(text) ? SEVERAL : `got something else; ${ENCODED}`)
  }
}

function unreadable(got: string): LfError {
  return new LfError("LOG_FAILED", `expected a connection string as postgres://user:password@host/database, ${got}`)
}
