// The worker of one pane on the home page: it keeps nothing on this device, so that each pane is a client of its own.
import { startWorker } from "@lf/react/worker"
import { mutator } from "./mutators"

startWorker({ mutator, storage: "memory" })
