import { Suspense } from "react"
import { lf } from "../../lf.server"
import { Live } from "./adder"
import { allTodos, DOC } from "./queries"

const shared = () => lf.document(DOC, { as: "system" })

export default function Page() {
  return (
    <Suspense fallback={<p>Reading</p>}>
      <Rows />
    </Suspense>
  )
}

async function Rows() {
  const state = await shared().prefetch(allTodos)
  return (
    <>
      <Live state={state} />
      <Cached />
    </>
  )
}

/** Rows of one lsn never change, so that what is cached for it is never stale. */
async function Cached() {
  const lsn = await shared()
    .lsn()
    .catch(() => 0)
  const { titles, at } = await titlesAt(lsn)
  return (
    <p>
      <output data-testid="cached">{titles}</output> <output data-testid="filled">{at}</output>
    </p>
  )
}

async function titlesAt(lsn: number) {
  "use cache"
  const rows = lsn === 0 ? [] : await shared().query(allTodos)
  return { titles: rows.map(({ title }) => title).join(), at: Date.now() }
}
