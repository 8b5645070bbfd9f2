import { accounts } from "../../../../auth.server"

const handle = async (request: Request) => (await accounts()).handler(request)

export { handle as GET, handle as POST }
