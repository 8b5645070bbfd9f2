import { RegisterServiceWorker } from "../../../app/chrome/register-service-worker"
import { Message } from "./issues/supported"
import { TrackerPage } from "./issues/tracker-page"

/** The same for everyone, so that it opens without a network too: who is here, the browser knows. */
export default function Page() {
  return (
    <>
      <noscript>
        <Message title="The tracker needs JavaScript">
          Its issues are in a database that runs in your browser, and scripts are off here. Allow them for this address,
          then reload the page.
        </Message>
      </noscript>
      <TrackerPage />
      <RegisterServiceWorker />
    </>
  )
}
