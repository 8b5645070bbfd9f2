// For next.config alone: nothing of the server is loaded with it.
export { type WithLfOptions, withLf } from "./with-lf.ts"
