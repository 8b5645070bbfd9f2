import { createLf } from "@lf/next"
import { mutator } from "./app/lf/mutators"

// The demo has no accounts: a list is open to whoever has its link, and the link is 128 random bits.
export const lf = createLf({
  mutator,
  dataDir: process.env.LF_DATA_DIR ?? ".lf",
  authenticate: () => null,
  authorize: () => true,
})
