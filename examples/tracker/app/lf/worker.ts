// The SharedWorker: one for all tabs, with the database, the pending changes and the socket.
import { startWorker } from "@lf/react/worker"
import { mutator } from "./mutators"

startWorker({ mutator })
