import { sql } from "@lf/core"
import { lf } from "../../lf.server"

const titles = sql<{ title: string }>`select title from todos order by rowid`

/** No request is asked anything: without the read it would be static, and empty for ever. */
export default async function Page() {
  const { queries } = await lf.document("shared", { as: "system" }).prefetch(titles)
  return <output data-testid="prefetched">{JSON.stringify(queries.map(({ state }) => state.data))}</output>
}
