import type { Instruction } from "@lf/core/internal"

export interface ParameterType {
  /** What a value must be for the statement to do what it says; "unknown": SQLite does not say. */
  readonly base: "number" | "string" | "Uint8Array" | "unknown"
  readonly isNullable: boolean
}

/** Of a table's columns in order, those that are stored, their declared types in capitals. */
type DeclaredTypes = (table: string) => readonly string[]

/** The parameters that a register may hold; whether as null, too. */
type Held = ReadonlyMap<number, boolean>
/** By register. */
type State = ReadonlyMap<number, Held>

/**
 * The types of a statement's parameters, in order: what SQLite's instructions do with each. A value that is compared with a
 * column takes the column's affinity; one that is stored in a STRICT table must have the column's type.
 */
export function parameterTypes(
  program: readonly Instruction[],
  parameterCount: number,
  declaredTypes: DeclaredTypes,
): ParameterType[] {
  const found = new Found()
  for (const [i, state] of statesOf(program).entries()) learn(found, program[i], state, declaredTypes)
  return Array.from({ length: parameterCount }, (_, i) => found.typeOf(i + 1))
}

class Found {
  readonly #bases = new Map<number, Set<ParameterType["base"]>>()
  readonly #notNull = new Set<number>()

  typeOf(parameter: number): ParameterType {
    const [base, other] = this.#bases.get(parameter) ?? []
    // Compared with a text here and a number there: both may be meant.
    if (base === undefined || other !== undefined) return { base: "unknown", isNullable: true }
    return { base, isNullable: !this.#notNull.has(parameter) }
  }

  base(held: Held | undefined, base: ParameterType["base"] | null): void {
    if (held === undefined || base === null) return
    for (const parameter of held.keys()) {
      const bases = this.#bases.get(parameter) ?? new Set()
      this.#bases.set(parameter, bases.add(base))
    }
  }

  refusesNull(held: Held | undefined): void {
    for (const [parameter, mayBeNull] of held ?? []) if (mayBeNull) this.#notNull.add(parameter)
  }
}

/** SQLITE_AFF_MASK, of the flags of a comparison. */
const AFFINITY_MASK = 0x47

function learn(found: Found, instruction: Instruction, state: State, declaredTypes: DeclaredTypes): void {
  const { opcode, p1, p2, p3, p4, p5 } = instruction
  switch (opcode) {
    case "Eq":
    case "Ne":
    case "Lt":
    case "Le":
    case "Gt":
    case "Ge": {
      const base = baseOfAffinity(String.fromCharCode(p5 & AFFINITY_MASK))
      found.base(state.get(p1), base)
      found.base(state.get(p3), base)
      break
    }
    case "Affinity":
    case "MakeRecord":
      for (const [i, letter] of [...(p4 ?? "")].slice(0, p2).entries())
        found.base(state.get(p1 + i), baseOfAffinity(letter))
      break
    case "TypeCheck":
      for (const [i, type] of declaredTypes(p4 ?? "")
        .slice(0, p2)
        .entries())
        found.base(state.get(p1 + i), baseOfStrict(type))
      break
    case "SeekRowid":
    case "NotExists":
      found.base(state.get(p3), "number")
      break
    case "MustBeInt":
      found.base(state.get(p1), "number")
      found.refusesNull(state.get(p1))
      break
    case "HaltIfNull":
      found.refusesNull(state.get(p3))
      break
  }
}

const words = (text: string) => new Set(text.split(" "))

// What instructions do, of those that programs for our statements have. One that is not here may do anything: after it
// nothing is known.
const JUMPS = words(
  "Init Goto Once Rewind Last Next Prev Sort SorterSort SorterNext SeekGE SeekGT SeekLE SeekLT SeekScan IfNoHope Found " +
    "NotFound NoConflict NotExists SeekRowid IfNullRow IdxGE IdxGT IdxLE IdxLT Eq Ne Lt Le Gt Ge ElseEq If IfNot IsNull NotNull " +
    "MustBeInt DecrJumpZero IfPos IfNotZero Filter VFilter VNext IfEmpty FkIfZero RowSetRead RowSetTest Program InitCoroutine",
)
const WRITES_NOTHING = words(
  "Transaction Halt Noop Explain Return OpenRead OpenWrite OpenEphemeral OpenAutoindex OpenPseudo OpenDup ReopenIdx " +
    "SorterOpen Close SeekHit DeferredSeek FinishSeek NullRow IdxInsert IdxDelete Insert Delete SorterInsert ResultRow Jump " +
    "Compare Permutation HaltIfNull TypeCheck Affinity RealAffinity CollSeq ReleaseReg ResetCount ResetSorter RowSetAdd " +
    "VUpdate VOpen FkCheck FkCounter FilterAdd Expire Yield EndCoroutine Gosub",
)
const WRITES_P1 = words("SoftNull AddImm Cast AggFinal")
const WRITES_P2 = words(
  "Integer Int64 Real String String8 Blob Variable Rowid NewRowid Sequence Count RowData SorterData IdxRowid BeginSubrtn " +
    "Not BitNot SCopy IntCopy OffsetLimit",
)
const WRITES_P3 = words(
  "Column VColumn Function PureFunc Add Subtract Multiply Divide Remainder Concat MakeRecord And Or BitAnd BitOr ShiftLeft " +
    "ShiftRight AggStep AggValue AggInverse RowSetRead",
)

/** What the registers may hold before each instruction, over all ways that lead to it. */
function statesOf(program: readonly Instruction[]): State[] {
  const states = program.map((): State => new Map())
  const waiting = new Set([0])
  const seen = new Set<number>()
  for (const i of waiting) {
    waiting.delete(i)
    seen.add(i)
    const after = stateAfter(program[i], states[i])
    for (const next of nextOf(program, i)) {
      if (next >= program.length) continue
      const merged = mergedWith(states[next], onlyPossible(program[i], after, next === i + 1))
      if (merged === states[next] && seen.has(next)) continue
      states[next] = merged
      waiting.add(next)
    }
  }
  return states
}

function stateAfter({ opcode, p1, p2, p3 }: Instruction, before: State): State {
  const after = new Map(before)
  const put = (register: number, held: Held | undefined) => {
    if (held === undefined) after.delete(register)
    else after.set(register, held)
  }
  if (opcode === "Variable") put(p2, new Map([[p1, true]]))
  else if (opcode === "SCopy") put(p2, before.get(p1))
  else if (opcode === "Copy") for (let i = 0; i <= p3; i++) put(p2 + i, before.get(p1 + i))
  else if (opcode === "Move") for (let i = 0; i < p3; i++) put(p2 + i, before.get(p1 + i))
  else if (opcode === "Null") for (let register = p2; register <= Math.max(p2, p3); register++) put(register, undefined)
  else if (WRITES_P1.has(opcode)) put(p1, undefined)
  else if (WRITES_P2.has(opcode)) put(p2, undefined)
  else if (WRITES_P3.has(opcode)) put(p3, undefined)
  else if (!WRITES_NOTHING.has(opcode) && !JUMPS.has(opcode)) return new Map()
  return after
}

/** A null goes on where a value does not. */
function onlyPossible({ opcode, p1 }: Instruction, state: State, isNextInLine: boolean): State {
  const held = state.get(p1)
  if (held === undefined || (opcode !== "IsNull" && opcode !== "NotNull")) return state
  const possible = new Map(state)
  if ((opcode === "NotNull") === isNextInLine) possible.delete(p1)
  else possible.set(p1, new Map([...held.keys()].map((parameter) => [parameter, false])))
  return possible
}

function nextOf(program: readonly Instruction[], i: number): number[] {
  const { opcode, p1, p2, p3 } = program[i]
  const like = (name: string) => program.flatMap((one, at) => (one.opcode === name && one.p1 === p1 ? [at] : []))
  switch (opcode) {
    case "Halt":
      return []
    case "Init":
    case "Goto":
      return [p2]
    case "Jump":
      return [p1, p2, p3]
    case "Gosub":
      return [p2]
    case "Return": // of a subroutine, or where one begins in the line
      return [i + 1, ...like("Gosub").map((at) => at + 1)]
    case "InitCoroutine":
      return [p2 || i + 1, p3]
    case "Yield": // to the other side, which yielded or begins; p2: where it goes on once the coroutine has ended
    case "EndCoroutine":
      return like("Yield").flatMap((at) => (program[at].p2 > 0 ? [at + 1, program[at].p2] : [at + 1]))
    default:
      return JUMPS.has(opcode) ? [i + 1, p2] : [i + 1]
  }
}

/** `a` itself where `b` adds nothing. */
function mergedWith(a: State, b: State): State {
  let merged: Map<number, Held> | null = null
  for (const [register, held] of b) {
    const known = (merged ?? a).get(register)
    const isNew = [...held].some(([parameter, mayBeNull]) => {
      const knownNull = known?.get(parameter)
      return knownNull === undefined || (mayBeNull && !knownNull)
    })
    if (!isNew) continue
    merged ??= new Map(a)
    const both = new Map(known)
    for (const [parameter, mayBeNull] of held) both.set(parameter, mayBeNull || (both.get(parameter) ?? false))
    merged.set(register, both)
  }
  return merged ?? a
}

/** NUMERIC is also what a DATETIME has, which holds texts as well; BLOB takes everything. */
function baseOfAffinity(affinity: string): "number" | "string" | null {
  if (affinity === "B") return "string"
  return affinity === "D" || affinity === "E" ? "number" : null
}

function baseOfStrict(type: string): ParameterType["base"] | null {
  switch (type) {
    case "INT":
    case "INTEGER":
    case "REAL":
      return "number"
    case "TEXT":
      return "string"
    case "BLOB":
      return "Uint8Array"
    default:
      return null // ANY
  }
}
