// The two charts of docs/performance.md, drawn by Vega on a white card: readable on a light and on a dark page.
import { parse, textMetrics, View } from "vega"
import { compile } from "vega-lite"
import { distance } from "./measure.mjs"

const FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif"
const REACHED = "#0072b2"
const MISSED = "#d55e00"
const CURVES = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#7a5c00", "#56b4e9", "#5b2c83", "#e69f00"]
const INK = "#24292f"
/** A character's width as a share of its height. Without a canvas Vega takes 0.8, which leaves a wide empty margin. */
const CHARACTER_WIDTH = 0.58
const GRID = "#d8dee4"

const config = {
  font: FONT,
  background: "white",
  padding: 20,
  view: { stroke: null },
  axis: {
    labelColor: INK,
    titleColor: INK,
    gridColor: GRID,
    domainColor: GRID,
    tickColor: GRID,
    labelFontSize: 11,
    labelLimit: 0,
    gridOpacity: 0.8,
    titleFontSize: 12,
    titleFontWeight: "normal",
  },
  legend: {
    symbolOpacity: 1,
    labelColor: INK,
    labelFontSize: 12,
    labelLimit: 0,
    orient: "top",
    title: null,
    symbolSize: 90,
  },
  title: { color: INK, subtitleColor: "#57606a", fontSize: 15, subtitleFontSize: 12, anchor: "start", offset: 12 },
}

textMetrics.width = (item, text) => String(text ?? item.text ?? "").length * (item.fontSize ?? 11) * CHARACTER_WIDTH

async function draw(spec) {
  const { spec: vega } = compile({ ...spec, config })
  const svg = await new View(parse(vega), { renderer: "none" }).toSVG()
  // An image has one title; roles inside of it reach no reader.
  return svg.replaceAll(/ (role|aria-[a-z]+)="[^"]*"/g, "").replace(">", `><title>${spec.title.text}</title>`)
}

/** Each row with a goal: how far it is from it, as a factor. */
export function goalsChart(rows) {
  const values = rows
    .filter(({ name, goal }) => goal && name !== "growth")
    .map((one) => {
      const times = distance(one)
      return { label: `${one.name} · ${one.variant}`, times, verdict: times <= 1 ? "goal reached" : "goal missed" }
    })
  const y = {
    field: "label",
    type: "nominal",
    sort: null,
    title: null,
    axis: { grid: false },
  }
  const domain = ["goal reached", "goal missed"]
  const color = { field: "verdict", type: "nominal", scale: { domain, range: [REACHED, MISSED] } }
  const shape = { field: "verdict", type: "nominal", scale: { domain, range: ["circle", "diamond"] } }
  const limits = around(values.map(({ times }) => times))
  const scale = { type: "log", nice: false, domain: limits }
  const ticks = [0.001, 0.01, 0.1, 0.25, 0.5, 1, 2, 4, 10, 100, 1_000].filter((x) => x >= limits[0] && x <= limits[1])
  const axis = { title: "times the goal (1 is the goal, less is better)", format: "~g", values: ticks, grid: true }
  return draw({
    title: {
      text: "How far each row is from its goal",
      subtitle: "Left of the line the goal is reached. Logarithmic.",
    },
    width: 420,
    height: { step: 19 },
    data: { values },
    layer: [
      {
        mark: { type: "rule", color: INK, strokeWidth: 1.5 },
        encoding: { x: { datum: 1, type: "quantitative", scale, axis } },
      },
      {
        mark: { type: "rule", strokeWidth: 2, opacity: 0.45 },
        encoding: {
          y,
          x: { field: "times", type: "quantitative", scale, axis },
          x2: { datum: 1 },
          color,
        },
      },
      {
        mark: { type: "point", filled: true, size: 75, opacity: 1 },
        encoding: {
          y,
          x: { field: "times", type: "quantitative", scale, axis },
          color,
          shape,
        },
      },
    ],
  })
}

/** The rows named `growth`: each curve from (1, 1) on, so that curves of different units share the plane. */
export function growthChart(rows) {
  const values = rows
    .filter(({ name }) => name === "growth")
    .map(({ variant, peer, ratio }) => {
      const [curve, n] = variant.split(" at ")
      return { curve, n: Number(n) / Number(peer.replace("at ", "")), ratio }
    })
  const nMax = Math.max(...values.map(({ n }) => n))
  const ends = values.filter((one) => !values.some(({ curve, n }) => curve === one.curve && n > one.n))
  const x = {
    field: "n",
    type: "quantitative",
    scale: { type: "log", domain: [1, nMax] },
    axis: { title: "n, as a multiple of the curve's smallest", format: "~s", values: powers(nMax) },
  }
  const y = {
    field: "ratio",
    type: "quantitative",
    scale: { type: "log", nice: false, domain: around(values.map(({ ratio }) => ratio)) },
    axis: {
      title: "cost, as a multiple of that at the smallest n",
      format: "~g",
      values: [0.1, ...powers(Math.max(nMax, ...values.map(({ ratio }) => ratio)))],
    },
  }
  const color = {
    field: "curve",
    type: "nominal",
    scale: { range: CURVES },
    legend: { columns: 2, symbolType: "stroke", symbolStrokeWidth: 3 },
  }
  return draw({
    title: {
      text: "How cost grows",
      subtitle:
        "A flat curve does not depend on n. The dashed line is growth in proportion. Both axes are logarithmic.",
    },
    width: 640,
    height: 380,
    layer: [
      {
        data: { values: [1, nMax].map((n) => ({ n, ratio: n })) },
        mark: { type: "line", clip: true, strokeDash: [5, 4], color: "#8c959f" },
        encoding: { x, y },
      },
      {
        data: { values },
        mark: { type: "line", point: { size: 55, filled: true }, strokeWidth: 2.2 },
        encoding: { x, y, color },
      },
      {
        data: { values: ends },
        mark: { type: "text", align: "left", dx: 9, fontSize: 11, fontWeight: "bold" },
        encoding: { x, y, color, text: { field: "ratio", format: ".2~r" } },
      },
    ],
  })
}

/** From the smallest to the largest, with some air, and 1 in any case. */
function around(values) {
  return [Math.min(1, ...values) / 1.3, Math.max(1, ...values) * 1.3]
}

/** 1, 10, 100 and so on. */
function powers(max) {
  return Array.from({ length: Math.floor(Math.log10(max)) + 1 }, (_, i) => 10 ** i)
}
