import { isLfError } from "@lf/core"
import { newId } from "@lf/react"
import { useCallback, useState } from "react"
import { isText, type Refused, type Written } from "./refusals"
import { codeIn, sayError } from "./words"

/** `onDismiss` is called when the user has read of it. */
export type Lose = (written: Written, code: string, onDismiss?: () => void) => void

/** What went wrong on this device: sentences, and the text of an issue that vanished while the user wrote in it. */
export function useProblems() {
  const [problem, setProblem] = useState<string | null>(null)
  const [undoProblem, setUndoProblem] = useState<string | null>(null)
  const [lost, setLost] = useState<readonly Refused[]>([])
  const setError = useCallback((error: Error) => setProblem(sayError(error)), [])
  const lose: Lose = useCallback(({ name, args }, code, onDismiss) => {
    const uid = newId()
    const dismiss = async () => {
      setLost((all) => all.filter((one) => one.uid !== uid))
      onDismiss?.()
    }
    const one = { uid, name, args, code, data: null, at: Date.now(), isLocal: true, dismiss }
    setLost((all) => [...all, one])
  }, [])
  const loseBy = useCallback(
    (error: Error, written: Written) => {
      const isRefused = isLfError(error) && error.code === "MUTATION_REJECTED"
      if (isRefused && isText(written)) lose(written, codeIn(error.cause))
      else setError(error)
    },
    [lose, setError],
  )
  const onDismiss = () => {
    setProblem(null)
    setUndoProblem(null)
  }
  return { notices: { problem, undoProblem, lost, onDismiss }, setUndoProblem, setError, lose, loseBy }
}
