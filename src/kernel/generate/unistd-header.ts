/**
 * Reads one of the kernel's generated `asm/unistd*.h` headers into a table of system call names. Only the plain form
 * that the kernel's own generator writes is accepted, so that a change of layout is an error and not a short table.
 */

/** `#define __NR_name 7`, or on x32 `#define __NR_name (__X32_SYSCALL_BIT + 7)`. */
const DEFINITION = /^#define __NR_(\w+) (?:\(__X32_SYSCALL_BIT \+ (\d+)\)|(\d+))$/
/** Include guards, blank lines and the trailing comment of the guard. */
const SCAFFOLD = /^(?:#ifndef _ASM_\w+|#define _ASM_\w+|#endif(?: \/\* _ASM_\w+ \*\/)?|\s*)$/

/** Names indexed by number; a number without a call holds the empty string. */
export type NameTable = readonly string[]

/**
 * The table in the text of one header. x32 numbers come out without bit 30, as the rest of plimsoll counts them.
 * Throws a `SyntaxError` naming the line for a line of another form, a number or a name given twice, and no names at all.
 */
export function namesInHeader(header: string): NameTable {
  const names: string[] = []
  const seen = new Set<string>()
  for (const [at, line] of header.split('\n').entries()) {
    const [, name, x32Nr, plainNr] = DEFINITION.exec(line) ?? []
    if (name === undefined) {
      if (SCAFFOLD.test(line)) continue
      throw new SyntaxError(`line ${at + 1} is neither a definition nor scaffolding: ${line}`)
    }
    const nr = Number(x32Nr ?? plainNr)
    while (names.length <= nr) names.push('')
    if (names[nr] !== '' || seen.has(name)) {
      throw new SyntaxError(`line ${at + 1} defines a second time: ${line}`)
    }
    names[nr] = name
    seen.add(name)
  }
  if (seen.size === 0) throw new SyntaxError('no system call is defined')
  return names
}

/** How many numbers of the table have a name. */
export function countOf(names: NameTable): number {
  return names.reduce((count, name) => (name === '' ? count : count + 1), 0)
}
