import { hostContract } from "../../../../core/src/testing/host-contract.ts"
import { browserHost } from "./browser-host.ts"

hostContract("browser", () => ({ host: browserHost, pass: (ms) => new Promise((resolve) => setTimeout(resolve, ms)) }))
