import { SignForm } from "../account/sign-form"

export default function SignUp() {
  return <SignForm isNew />
}
