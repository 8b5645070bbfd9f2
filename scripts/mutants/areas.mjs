// What is mutated, which tests must fail for it, and the score under which a file fails.

const core = "packages/core/src"
const react = "packages/react/src"
const next = "packages/next/src"
/** Tests of what binds an input to a row, each beside its source. */
const bindings = ["use-field.test.tsx", "before-hydration.test.tsx", "field.test.ts", "caret.test.ts"]
/** The hooks' tests that need a page, which is what the processes of tab and worker have. */
const hooks = ["hook-failures", "hook-findings", "hook-laws", "hook-options", "hooks", "use-field"].map(
  (name) => `${react}/hooks/${name}.test.tsx`,
)
const worlds = "scripts/mutants/worlds.ts"
/** Scenes of a server and its clients. */
const scenes = ["laws", "limits", "found", "two-clients"].map((name) => `${core}/testing/${name}.test.ts`)

/**
 * `isSampled`: a sample of it is held to its floor by `npm test`. The others need a page, and with it too much time there.
 * `files` and `tests` are files, or folders whose sources or tests are meant. The tests beside the sources come first.
 */
export const areas = [
  { name: "journal", isSampled: true, files: [`${core}/journal`], tests: [`${core}/journal`, worlds] },
  { name: "storage", isSampled: true, files: [`${core}/storage`], tests: [`${core}/storage`, worlds] },
  { name: "timeline", isSampled: true, files: [`${core}/timeline`], tests: [`${core}/timeline`, ...scenes, worlds] },
  { name: "local", isSampled: true, files: [`${core}/local`], tests: [`${core}/local`, ...scenes, worlds] },
  { name: "remote", isSampled: true, files: [`${core}/remote`], tests: [`${core}/remote`, ...scenes, worlds] },
  { name: "relay", isSampled: true, files: [`${core}/relay`], tests: [`${core}/relay`, ...scenes, worlds] },
  {
    name: "limits and auth",
    isSampled: true,
    files: [`${next}/limits`, `${next}/auth`, ...["client-address", "origin"].map((name) => `${next}/http/${name}.ts`)],
    tests: [
      `${next}/limits/connection-quotas.test.ts`,
      `${next}/limits/connection-quota-counts.test.ts`,
      `${next}/limits/rate-limiter.test.ts`,
      `${next}/limits/fair-queue.test.ts`,
      `${next}/limits/limits.test.ts`,
      `${next}/http/client-address.test.ts`,
      `${next}/http/origin.test.ts`,
      `${next}/auth/reauthorizer.test.ts`,
      `${next}/auth/access-control.test.ts`,
      `${next}/auth/access.test.ts`,
      `${next}/auth/user-id.test.ts`,
      `${next}/http/half-frames.test.ts`,
    ],
  },
  {
    name: "event streams",
    files: [
      `${next}/node/event-stream-pipe.ts`,
      `${next}/http/event-streams.ts`,
      `${next}/http/forwarded-sends.ts`,
      `${react}/platform/browser/event-stream-network.ts`,
    ],
    tests: [
      `${next}/node/event-stream-pipe.test.ts`,
      `${next}/http/forwarded-sends.test.ts`,
      `${react}/platform/browser/event-stream-network.test.ts`,
      `${react}/platform/browser/event-stream-pipe.test.ts`,
    ],
  },
  { name: "tab", files: [`${react}/tab`], tests: [`${react}/tab`, ...hooks], environment: "jsdom" },
  {
    name: "inputs",
    files: bindings.map((name) => `${react}/hooks/${name.replace(/\.test\.tsx?$/, ".ts")}`),
    tests: bindings.map((name) => `${react}/hooks/${name}`),
    environment: "jsdom",
  },
  { name: "worker", files: [`${react}/worker`], tests: [`${react}/worker`, ...hooks], environment: "jsdom" },
]

const floorMin = 85
const floors = { [`${core}/journal/`]: 92, [`${core}/remote/`]: 92 }
/** Files below the floor of their folder: what each has reached, and why. */
const lower = {}

export function floorOf(file) {
  if (lower[file] !== undefined) return lower[file].floor
  return Object.entries(floors).find(([folder]) => file.startsWith(folder))?.[1] ?? floorMin
}
