"use client"

import { lazy, Suspense, useRef, useState } from "react"
import { useCopy } from "./use-copy"

const QrCode = lazy(() => import("./qr-code").then((module) => ({ default: module.QrCode })))

const sayings = {
  none: "",
  copied: "The link is copied",
  selected: "The browser did not copy it. The link is selected: copy it with the keyboard or the menu.",
}

/** Opens what is needed to give the list's link away: to copy it, to send it, or to point a phone's camera at it. */
export function ShareButton({ name }: { name: string }) {
  const dialog = useRef<HTMLDialogElement>(null)
  const [url, setUrl] = useState<string | null>(null)

  const open = () => {
    setUrl(location.origin + location.pathname)
    dialog.current?.showModal()
  }

  return (
    <>
      <button type="button" className="share" data-testid="share-button" onClick={open}>
        Share
      </button>
      <dialog ref={dialog} className="share-dialog" aria-label="Share this list" closedby="any">
        {url !== null && <SharePanel url={url} name={name} onClose={() => dialog.current?.close()} />}
      </dialog>
    </>
  )
}

function SharePanel({ url, name, onClose }: { url: string; name: string; onClose: () => void }) {
  const link = useRef<HTMLInputElement>(null)
  const [copied, copy] = useCopy(link)

  return (
    <div className="share-content">
      <h2>Share this list</h2>
      <p>Everyone with the link can read and change it.</p>
      <div className="share-row">
        <input
          ref={link}
          className="share-link"
          aria-label="The list's link"
          readOnly
          value={url}
          onFocus={(event) => event.target.select()}
        />
        <button type="button" className="share-copy" onClick={copy}>
          {copied === "copied" ? "Copied" : "Copy"}
        </button>
      </div>
      <p className={copied === "selected" ? undefined : "spoken"} role="status" aria-label="Sharing">
        {sayings[copied]}
      </p>
      <Suspense fallback={<div className="qr-code" />}>
        <QrCode text={url} label="The link as a QR code" />
      </Suspense>
      <div className="share-row share-end">
        {"share" in navigator && (
          // Closing the system's own sheet is no failure.
          <button
            type="button"
            className="text-button"
            onClick={() => navigator.share({ title: name, url }).catch(() => {})}
          >
            Send…
          </button>
        )}
        <button type="button" className="text-button" onClick={onClose}>
          Close
        </button>
      </div>
    </div>
  )
}
