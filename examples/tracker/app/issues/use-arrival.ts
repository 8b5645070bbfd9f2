import { useConnectionStatus, useSyncStatus } from "@lf/react"

/** Whether what is not on this device may still come to it. */
export function useArrival() {
  const { isUpToDate, lsn } = useSyncStatus()
  const { status } = useConnectionStatus()
  return {
    /** Nothing of the tracker is here yet: there is no saying what is not in it. */
    isFirst: !isUpToDate && lsn === 0,
    isKnown: isUpToDate,
    isFetching: !isUpToDate && (status === "connected" || status === "connecting"),
  }
}
