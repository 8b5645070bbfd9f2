import { Scene } from "../scene"

export default async function Page({ params }: { params: Promise<{ doc: string }> }) {
  return <Scene doc={(await params).doc} />
}
