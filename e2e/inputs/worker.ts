import { startWorker } from "@lf/react/worker"
import { mutator } from "./items.ts"

startWorker({ mutator })
