import { SignForm } from "../account/sign-form"

export default function SignIn() {
  return <SignForm isNew={false} />
}
