import { defineMutator } from "@lf/core"
import { todoMutations, todoTables } from "./todo-mutations"

// All that documents have in them. The page, its worker and the server run this.
export const mutator = defineMutator({
  // Each runs once per document, in this order. Never edit one that has run; append the next.
  migrations: [todoTables],
  mutations: todoMutations,
})
