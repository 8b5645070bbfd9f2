import type { DurableGroup } from "@lf/core/internal"
import { metrics, ROOT_CONTEXT, type Span, SpanKind, TraceFlags, trace } from "@opentelemetry/api"
import { processGlobal } from "../process/globals.ts"
import { traffic } from "../process/traffic.ts"

const NAME = "@lf/next"

/** What the process has open, when the metrics are collected. */
export interface Gauges {
  documents(): number
  connections(): number
  waiting(): number
}

/**
 * Metrics and traces through `@opentelemetry/api`: they go where the app's OpenTelemetry SDK sends its own, and nowhere without
 * one. docs/operating.md lists them.
 */
class Telemetry {
  readonly #mutations = metrics.getMeter(NAME).createCounter("lf.mutations", {
    description: "Mutations that were decided, by outcome",
  })
  readonly #lag = histogram("lf.mutation.duration", "From a mutation's arrival until its outcome is durable")
  readonly #step = histogram("lf.step.duration", "Runs of a group of mutations")
  readonly #flush = histogram("lf.flush.duration", "Flushes of a document's log")
  readonly #group = metrics.getMeter(NAME).createHistogram("lf.group.size", {
    description: "Mutations that became durable with one flush",
  })

  constructor(gauges: Gauges) {
    observe("lf.documents.open", "Documents that are open in this process", gauges.documents)
    observe("lf.connections", "Sockets of clients", gauges.connections)
    observe("lf.mutations.waiting", "Mutations that were received and are not decided yet", gauges.waiting)
    count("lf.bytes.received", () => traffic().receivedBytes)
    count("lf.bytes.sent", () => traffic().sentBytes)
  }

  durable(doc: string, { decided, startedMs, steppedMs, flushedMs }: DurableGroup): void {
    this.#step.record((steppedMs - startedMs) / 1000)
    this.#flush.record((flushedMs - steppedMs) / 1000)
    this.#group.record(decided.length)
    let isTraced = true
    for (const one of decided) {
      const outcome = one.outcome.type === "rejected" ? one.outcome.code : one.outcome.type
      this.#mutations.add(1, { "lf.outcome": outcome })
      this.#lag.record(Math.max(0, flushedMs - one.receivedMs) / 1000)
      if (!isTraced) continue
      const span = startSpan(one.uid, one.receivedMs)
      // Without an SDK, or where it samples nothing.
      isTraced = span.isRecording()
      if (!isTraced) continue
      span.setAttributes({ "lf.document": doc, "lf.mutation": one.name, "lf.uid": one.uid, "lf.outcome": outcome })
      if (one.outcome.type === "applied") span.setAttribute("lf.lsn", one.outcome.lsn)
      span.addEvent("started", undefined, startedMs)
      span.addEvent("stepped", undefined, steppedMs)
      span.end(flushedMs)
    }
  }
}

/** One for all bundles of the process: instruments of one name are made once. */
export function telemetry(gauges: Gauges): Telemetry {
  return processGlobal("telemetry", () => new Telemetry(gauges))
}

/** In the trace that the mutation's uid names: what the page measured of it joins without a word on the wire. */
function startSpan(uid: string, startMs: number): Span {
  const hex = uid.replaceAll("-", "")
  const parent = { traceId: hex, spanId: hex.slice(16), traceFlags: TraceFlags.SAMPLED, isRemote: true }
  const context = trace.setSpanContext(ROOT_CONTEXT, parent)
  return trace.getTracer(NAME).startSpan("lf.mutation", { kind: SpanKind.SERVER, startTime: startMs }, context)
}

/** From a tenth of a millisecond to ten seconds: the default ones are for milliseconds. */
const SECONDS = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

function histogram(name: string, description: string) {
  const advice = { explicitBucketBoundaries: SECONDS }
  return metrics.getMeter(NAME).createHistogram(name, { description, unit: "s", advice })
}

function observe(name: string, description: string, value: () => number): void {
  const gauge = metrics.getMeter(NAME).createObservableGauge(name, { description })
  gauge.addCallback((result) => result.observe(value()))
}

function count(name: string, value: () => number): void {
  const counter = metrics.getMeter(NAME).createObservableCounter(name, { unit: "By" })
  counter.addCallback((result) => result.observe(value()))
}
