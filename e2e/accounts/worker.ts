import { startWorker } from "@lf/react/worker"
import { mutator } from "./notes.ts"

startWorker({ mutator })
