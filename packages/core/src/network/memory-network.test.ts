import { networkContract } from "../testing/network-contract.ts"
import { MemoryNetwork } from "./memory-network.ts"
import type { Pipe } from "./network.ts"

networkContract("memory", async () => {
  let arrive: (pipe: Pipe) => void = () => {}
  const network = new MemoryNetwork((pipe) => arrive(pipe))
  return {
    network,
    accepted: () =>
      new Promise((resolve) => {
        arrive = resolve
      }),
    close: async () => network.setOnline(false),
  }
})
