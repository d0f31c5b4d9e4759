/** ELF files of a few hundred bytes: a header, sections with the given bytes, and what names them. */

export interface TinySection {
  readonly name: string
  readonly bytes: Buffer
}

const HEADER = 64

/** A 64-bit little-endian file with those sections, and `.shstrtab` behind them. */
export function tinyElf(sections: readonly TinySection[]): Buffer {
  const names = Buffer.from(
    `\0${[...sections, { name: '.shstrtab' }].map(({ name }) => name).join('\0')}\0`,
  )
  const all = [...sections, { name: '.shstrtab', bytes: names }]
  const body = Buffer.concat(all.map(({ bytes }) => bytes))
  const header = Buffer.alloc(HEADER)
  header.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1])
  header.writeBigUInt64LE(BigInt(HEADER + body.length), 0x28)
  header.writeUInt16LE(64, 0x3a)
  header.writeUInt16LE(all.length + 1, 0x3c)
  header.writeUInt16LE(all.length, 0x3e)
  let at = HEADER
  const table = all.map(({ name, bytes }) => {
    const entry = Buffer.alloc(64)
    entry.writeUInt32LE(names.indexOf(`\0${name}\0`) + 1, 0)
    entry.writeUInt32LE(1, 4)
    entry.writeBigUInt64LE(BigInt(at), 0x18)
    entry.writeBigUInt64LE(BigInt(bytes.length), 0x20)
    at += bytes.length
    return entry
  })
  return Buffer.concat([header, body, Buffer.alloc(64), ...table])
}

/** A `.dynamic` section with those tags and values. */
export function dynamicOf(
  entries: readonly (readonly [tag: number, value: number])[],
): TinySection {
  const bytes = Buffer.alloc(entries.length * 16)
  entries.forEach(([tag, value], i) => {
    bytes.writeBigUInt64LE(BigInt(tag), i * 16)
    bytes.writeBigUInt64LE(BigInt(value), i * 16 + 8)
  })
  return { name: '.dynamic', bytes }
}
