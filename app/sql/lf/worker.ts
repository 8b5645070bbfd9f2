// The worker of /sql: other tables than the lists', so that these carry nothing of them.
import { startWorker } from "@lf/react/worker"
import { rowsMutator } from "./mutators"

startWorker({ mutator: rowsMutator })
