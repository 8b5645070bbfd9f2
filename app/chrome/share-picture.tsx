import picture from "../share-picture.png"

/**
 * What a link to this page shows where it is shared. `origin`: where the page is served. One that is made when the app is built
 * has it from LF_ORIGIN; without that the address is relative.
 */
export function SharePicture({ origin = process.env.LF_ORIGIN ?? "" }: { origin?: string }) {
  return (
    <>
      <meta property="og:image" content={origin + picture.src} />
      <meta property="og:image:width" content={String(picture.width)} />
      <meta property="og:image:height" content={String(picture.height)} />
      <meta
        property="og:image:alt"
        content="lf: two live clients of one list, side by side; the right one is cut off and has an edit that waits"
      />
    </>
  )
}
