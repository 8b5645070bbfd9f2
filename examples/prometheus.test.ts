// Metrics of the server for Prometheus, as docs/operating.md shows it.
import { mkdtempSync, rmSync } from "node:fs"
import { createServer } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { defineMutation, defineMutator, Reject, sql } from "@lf/core"
import { createLf } from "@lf/next"
import { metrics } from "@opentelemetry/api"
import { PrometheusExporter } from "@opentelemetry/exporter-prometheus"
import { MeterProvider } from "@opentelemetry/sdk-metrics"
import { expect, test } from "vitest"
import { z } from "zod"

const Add = defineMutation("Add", z.object({ id: z.string() }), (tx, { id }) => {
  if (id === "bad") throw new Reject("BAD_ID")
  tx.run(sql`insert into things (id) values (${id})`)
})
const mutator = defineMutator({
  migrations: [sql`create table things (id text primary key) strict`],
  mutations: [Add],
})

test("Prometheus gets what was decided and how long it took", async () => {
  // Before the server is made, as an instrumentation file does. In an app the exporter has a port of its own.
  const exporter = new PrometheusExporter({ preventServerStart: true })
  metrics.setGlobalMeterProvider(new MeterProvider({ readers: [exporter] }))
  const scraped = createServer((request, response) => exporter.getMetricsRequestHandler(request, response))
  await new Promise<void>((resolve) => void scraped.listen(0, "127.0.0.1", resolve))
  const address = scraped.address()
  const port = typeof address === "object" && address !== null ? address.port : 0

  const dataDir = mkdtempSync(join(tmpdir(), "lf-example-"))
  const lf = createLf({ mutator, dataDir, authenticate: () => null, authorize: () => true })
  try {
    const document = lf.document("things", { as: "system" })
    await document.mutate(Add, { id: "1" })
    await document.mutate(Add, { id: "bad" })
    const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
    expect(text).toMatch(/^lf_mutations_total\{lf_outcome="applied".*\} 1$/m)
    expect(text).toMatch(/^lf_mutations_total\{lf_outcome="BAD_ID".*\} 1$/m)
    expect(text).toMatch(/^lf_mutation_duration_bucket\{.*le="10"\} 2$/m)
    expect(text).toMatch(/^lf_documents_open\{?.*\}? 1$/m)
  } finally {
    await lf.close()
    scraped.close()
    rmSync(dataDir, { recursive: true, force: true })
  }
})
