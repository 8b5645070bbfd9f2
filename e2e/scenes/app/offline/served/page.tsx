import { connection } from "next/server"
import { Suspense } from "react"

export default function Page() {
  return (
    <Suspense fallback={<p>Waiting</p>}>
      <Served />
    </Suspense>
  )
}

async function Served() {
  await connection()
  return <p>served by the server</p>
}
