import { startWorker } from "@lf/react/worker"
import { mutator } from "../server-app.mjs"

startWorker({ mutator })
