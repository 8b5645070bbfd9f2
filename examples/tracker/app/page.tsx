import { RegisterServiceWorker } from "../../../app/chrome/register-service-worker"
import { TrackerPage } from "./issues/tracker-page"

/** The same for everyone, so that it opens without a network too: who is here, the browser knows. */
export default function Page() {
  return (
    <>
      <TrackerPage />
      <RegisterServiceWorker />
    </>
  )
}
