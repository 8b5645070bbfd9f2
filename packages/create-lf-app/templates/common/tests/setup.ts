import { configure } from "@testing-library/react"

// `findBy…` gives up after this time. The first of a file waits for SQLite too.
configure({ asyncUtilTimeout: 10_000 })
