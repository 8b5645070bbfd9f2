import { ForgetList, Invite, KeepList, NameMe, RemoveMember, type Role, StartList } from "./members"
import { todoMutations } from "./todo-mutations"

const viewer = [NameMe.name]
const editor = [...viewer, ...todoMutations.map(({ name }) => name)]
const owner = [...editor, StartList.name, Invite.name, RemoveMember.name]

/** What each role may send. A mutation that is in none of them can be run by the server alone. */
export const mutationsOf: Readonly<Record<Role, ReadonlySet<string>>> = {
  viewer: new Set(viewer),
  editor: new Set(editor),
  owner: new Set(owner),
}

export const homeMutations: ReadonlySet<string> = new Set([KeepList.name, ForgetList.name])
