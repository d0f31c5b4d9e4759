/**
 * Programs that do nothing, for measuring what a container runtime itself does: static ELF files of some hundred bytes,
 * written here so that nothing has to be on the host and no C library's start-up is in the way. Pure.
 *
 *   0    ELF header (64 bytes)      entry point: the code
 *   64   one program header (56)    maps the whole file, readable and executable
 *   120  code
 *
 * Layouts: elf(5). Only x86_64, where the sensor runs; another architecture is another `machine` and other code.
 */

/** Ends at once, with status 0. */
export function exitProgram(): Uint8Array {
  // xor edi, edi; mov eax, 231 (exit_group); syscall
  return elfOf([0x31, 0xff, 0xb8, 231, 0, 0, 0, 0x0f, 0x05])
}

/** Sleeps in pause(2) until it is killed; handles no signal. */
export function pauseProgram(): Uint8Array {
  // mov eax, 34 (pause); syscall; jmp to the start
  return elfOf([0xb8, 34, 0, 0, 0, 0x0f, 0x05, 0xeb, 0xf7])
}

const HEADER_BYTES = 64
const PROGRAM_HEADER_BYTES = 56
/** Where static x86_64 programs are customarily mapped. */
const BASE = 0x400000
const PAGE = 0x1000
const EM_X86_64 = 62
const ET_EXEC = 2
const PT_LOAD = 1
/** PF_R | PF_X */
const READABLE_EXECUTABLE = 5

function elfOf(code: readonly number[]): Uint8Array {
  const start = HEADER_BYTES + PROGRAM_HEADER_BYTES
  const size = start + code.length
  const bytes = new Uint8Array(size)
  const view = new DataView(bytes.buffer)
  // \x7fELF, 64 bits, little-endian, version 1
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1])
  view.setUint16(16, ET_EXEC, true)
  view.setUint16(18, EM_X86_64, true)
  view.setUint32(20, 1, true)
  view.setBigUint64(24, BigInt(BASE + start), true)
  view.setBigUint64(32, BigInt(HEADER_BYTES), true)
  view.setUint16(52, HEADER_BYTES, true)
  view.setUint16(54, PROGRAM_HEADER_BYTES, true)
  view.setUint16(56, 1, true)

  view.setUint32(64, PT_LOAD, true)
  view.setUint32(68, READABLE_EXECUTABLE, true)
  view.setBigUint64(80, BigInt(BASE), true)
  view.setBigUint64(88, BigInt(BASE), true)
  view.setBigUint64(96, BigInt(size), true)
  view.setBigUint64(104, BigInt(size), true)
  view.setBigUint64(112, BigInt(PAGE), true)
  bytes.set(code, start)
  return bytes
}
