// One SharedWorker for all tabs: it has the database, the changes that wait, and the socket.
import { startWorker } from "@lf/react/worker"
import { mutator } from "./mutators"

startWorker({ mutator })
