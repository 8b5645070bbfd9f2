// A server whose mutators fail in every way, quoting their arguments: none of it may reach its log.
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { defineMutation, defineMutator, LfError, Reject, sql } from "@lf/core"
import { z } from "zod"
import { createLf } from "../create-lf.ts"

const Text = z.object({ text: z.string().max(100) })

export const canaryMutator = defineMutator({
  migrations: [sql`create table notes (text text primary key) strict`],
  mutations: [
    defineMutation("Keep", Text, (tx, { text }) => tx.run(sql`insert into notes values (${text})`)),
    defineMutation("Refuse", Text, (_tx, { text }) => {
      throw new Reject("refused", { text })
    }),
    defineMutation("Throw", Text, (_tx, { text }) => {
      throw new TypeError(`cannot read ${text}`)
    }),
    defineMutation("Clash", Text, (tx, { text }) => {
      tx.run(sql`insert into notes values (${text})`)
      tx.run(sql`insert into notes values (${text})`)
    }),
    defineMutation("BadSql", Text, (tx, { text }) => tx.run({ sql: `select * from "${text}"`, parameters: [text] })),
    defineMutation("Unsure", Text, () => {}),
    defineMutation("Spin", Text, (tx) => {
      if (tx.side === "remote") for (;;);
    }),
  ],
})

export async function serveCanaries(dataDir: string): Promise<void> {
  const lf = createLf({
    mutator: canaryMutator,
    dataDir,
    limits: { mutationMsMax: 100 },
    authenticate: ({ token }) => {
      if (token?.startsWith("bad")) throw new TypeError(`no such token: ${token}`)
      if (token?.startsWith("no")) throw new LfError("AUTH_REQUIRED", `expired: ${token}`)
      return token === null ? null : { id: "ann" }
    },
    authorize: ({ doc, mutation }) => {
      if (doc === "broken" || mutation === "Unsure") throw new RangeError(`rights of ${doc}`)
      return doc !== "closed"
    },
  })
  const server = createServer()
  server.on("upgrade", (_request, socket) => socket.destroy())
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  process.stdout.write(`${(server.address() as AddressInfo).port}\n`)
  process.on("SIGTERM", async () => {
    server.close()
    await lf.close()
    process.exit(0)
  })
}

if (process.argv[2] !== undefined && process.argv[1]?.endsWith("canary-server.mjs"))
  await serveCanaries(process.argv[2])
