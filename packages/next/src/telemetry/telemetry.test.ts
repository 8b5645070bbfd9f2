import { metrics, trace } from "@opentelemetry/api"
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics"
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-base"
import { afterAll, afterEach, beforeAll, expect, test } from "vitest"
import { Add, cleanUp, startClient, startServer, until } from "../testing/fixture.ts"

const spans = new InMemorySpanExporter()
const exported = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
const reader = new PeriodicExportingMetricReader({ exporter: exported, exportIntervalMillis: 3_600_000 })
const meters = new MeterProvider({ readers: [reader] })

// As an app's instrumentation file does, before the first document is opened.
beforeAll(() => {
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] }))
  metrics.setGlobalMeterProvider(meters)
})
afterEach(cleanUp)
afterAll(() => meters.shutdown())

async function collected(): Promise<Map<string, unknown[]>> {
  exported.reset()
  await meters.forceFlush()
  const all = exported.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics.flatMap(({ metrics }) => metrics))
  return new Map(all.map(({ descriptor, dataPoints }) => [descriptor.name, dataPoints.map(({ value }) => value)]))
}

test("each mutation is a span in the trace that its uid names, from its arrival until it is durable", async () => {
  const { lf, url } = await startServer()
  const client = await startClient(url, { user: "ann" })
  const added = client.add("1")
  await added.remote
  await lf.document("doc", { as: "system" }).mutate(Add, { id: "2", title: "bad" })
  await until(() => spans.getFinishedSpans().length === 2, "both are traced")
  const [span, rejected] = spans.getFinishedSpans()
  expect(span.name).toBe("lf.mutation")
  expect(span.spanContext().traceId).toBe(added.uid.replaceAll("-", ""))
  expect(span.attributes).toEqual({
    "lf.document": "doc",
    "lf.mutation": "Add",
    "lf.uid": added.uid,
    "lf.outcome": "applied",
    "lf.lsn": 2,
  })
  expect(span.events.map(({ name }) => name)).toEqual(["started", "stepped"])
  expect(rejected.attributes).toMatchObject({ "lf.outcome": "not-welcome" })
})

test("metrics say how many, how long, and what is open", async () => {
  const { url } = await startServer()
  const client = await startClient(url)
  await client.add("1").remote
  const found = await collected()
  expect(found.get("lf.documents.open")).toEqual([1])
  expect(found.get("lf.connections")).toEqual([1])
  expect(found.get("lf.mutations.waiting")).toEqual([0])
  for (const name of ["lf.mutation.duration", "lf.step.duration", "lf.flush.duration", "lf.group.size"])
    expect([name, found.get(name)]).toEqual([name, [expect.objectContaining({ count: expect.any(Number) })]])
  for (const name of ["lf.mutations", "lf.bytes.sent", "lf.bytes.received"])
    expect(Number(found.get(name)?.[0])).toBeGreaterThan(0)
})
