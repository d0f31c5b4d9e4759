/**
 * As much of an ELF file as it takes to know which libraries a program loads, and where its constants are: 64-bit, little
 * endian, with section headers. A file of another form is no error, it just has nothing to tell. Source: elf(5). Pure.
 */

/** One section: its bytes lie at `[offset, offset + size)`. */
export interface ElfSection {
  readonly name: string
  readonly type: number
  readonly offset: number
  readonly size: number
}

/** What the dynamic section says: names of libraries, and the directories to look in first. */
export interface ElfDynamic {
  readonly needed: readonly string[]
  readonly runPath: readonly string[]
}

const HEADER_BYTES = 64
const SECTION_BYTES = 64
/** \x7f E L F, 64 bits, little endian */
const MAGIC = Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1])
const SHT_NULL = 0
const SHT_NOBITS = 8
const DYNAMIC_BYTES = 16
const DT_NEEDED = 1
const DT_RPATH = 15
const DT_RUNPATH = 29

/** The sections that lie in the file; empty for anything but such an ELF file. */
export function sectionsOf(file: Buffer): readonly ElfSection[] {
  if (file.length < HEADER_BYTES || !file.subarray(0, MAGIC.length).equals(MAGIC)) return []
  const tableAt = numberAt(file, 0x28)
  const count = file.readUInt16LE(0x3c)
  if (file.readUInt16LE(0x3a) !== SECTION_BYTES || tableAt + count * SECTION_BYTES > file.length) {
    return []
  }
  const headers = Array.from({ length: count }, (_, i) =>
    file.subarray(tableAt + i * SECTION_BYTES, tableAt + (i + 1) * SECTION_BYTES),
  ).map((header) => ({
    nameAt: header.readUInt32LE(0),
    type: header.readUInt32LE(4),
    offset: numberAt(header, 0x18),
    size: numberAt(header, 0x20),
  }))
  const isInFile = ({ type, offset, size }: (typeof headers)[number]): boolean =>
    type !== SHT_NULL && type !== SHT_NOBITS && offset + size <= file.length
  const names = headers[file.readUInt16LE(0x3e)]
  if (names === undefined || !isInFile(names)) return []
  return headers
    .filter(isInFile)
    .map(({ nameAt, ...section }) => ({ ...section, name: textAt(file, names, nameAt) }))
}

/** What the file asks the dynamic loader for; empty lists for a static program. */
export function dynamicOf(file: Buffer, sections: readonly ElfSection[]): ElfDynamic {
  const dynamic = sections.find(({ name }) => name === '.dynamic')
  const strings = sections.find(({ name }) => name === '.dynstr')
  const needed: string[] = []
  const runPath: string[] = []
  if (dynamic === undefined || strings === undefined) return { needed, runPath }
  for (let at = 0; at + DYNAMIC_BYTES <= dynamic.size; at += DYNAMIC_BYTES) {
    const tag = numberAt(file, dynamic.offset + at)
    const text = (): string => textAt(file, strings, numberAt(file, dynamic.offset + at + 8))
    if (tag === DT_NEEDED) needed.push(text())
    else if (tag === DT_RPATH || tag === DT_RUNPATH) runPath.push(...text().split(':'))
  }
  return { needed, runPath }
}

/** The text that starts at `at` in the string section and ends with a zero byte. */
function textAt(file: Buffer, { offset, size }: Omit<ElfSection, 'name'>, at: number): string {
  if (at >= size) return ''
  const end = file.indexOf(0, offset + at)
  return file.toString('latin1', offset + at, Math.min(end < 0 ? file.length : end, offset + size))
}

/** A 64-bit number; one above 2^53 is beyond every file and stays so. */
function numberAt(bytes: Buffer, at: number): number {
  return Number(bytes.readBigUInt64LE(at))
}
