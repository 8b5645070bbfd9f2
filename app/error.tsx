"use client"

import { Message } from "./chrome/message"

export default function ErrorPage({ error, reset }: { error: Error; reset: () => void }) {
  return (
    <Message title="Something broke">
      {error.message || "The page met an error it did not expect."} Your changes are kept on this device.{" "}
      <button type="button" className="text-button" onClick={reset}>
        Try again
      </button>
    </Message>
  )
}
