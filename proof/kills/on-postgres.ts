import { loadChecksum } from "@lf/core/testing"
import { startPostgres } from "../../scripts/postgres.mjs"
import { type Proof, type ProofOptions, prove } from "../proof.ts"

/** What was wrong in the round of a seed; null: nothing. */
export type PlayRound = (proof: Proof, seed: number, connectionString: string) => Promise<string | null>

/** A round for each seed, all on one PostgreSQL that starts with the proof and ends with it. */
export async function proveOnPostgres(options: ProofOptions, playRound: PlayRound): Promise<void> {
  await prove(options, async (proof) => {
    await loadChecksum()
    const postgres = await startPostgres()
    try {
      for (const seed of proof.seeds()) {
        const verdict = await playRound(proof, seed, postgres.connectionString)
        if (verdict !== null) proof.fail(seed, verdict)
      }
    } finally {
      await postgres.stop()
    }
  })
}
