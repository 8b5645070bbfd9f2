// npm run proof -- flood: a server under attack on real sockets, and its users' latency.
import { loadChecksum } from "@lf/core/testing"
import { type Proof, prove } from "../proof.ts"
import { ATTACKS, type AttackName, attack } from "./attacks.ts"
import { Round } from "./round.ts"
import { serve } from "./server.ts"

const role = process.env.LF_FLOOD
if (role === "server") await serve()
else if (role === "attackers") attack()
else await prove({ name: "flood", unit: "flooded samples" }, proveFlood)

async function proveFlood(proof: Proof): Promise<void> {
  await loadChecksum()
  for (const seed of proof.seeds()) {
    const round = await Round.begin(proof, seed)
    try {
      for (const name of Object.keys(ATTACKS) as AttackName[]) await round.attack(name)
      await round.compare()
    } finally {
      await round.end()
    }
  }
}
