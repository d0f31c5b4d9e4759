/**
 * Writes the modules under `src/kernel/tables` from the kernel's user-space headers. Run by `make tables`, never by
 * plimsoll itself, and the only part of `kernel` that touches files:
 *
 *     node dist/kernel/generate/syscall-tables.js DIR_OF_UAPI_HEADERS OUT_DIR
 *
 * DIR_OF_UAPI_HEADERS is what `fetch-headers.sh` fills.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { tableModule } from './table-module.js'
import { countOf, namesInHeader } from './unistd-header.js'

/** ABI, the module that holds its table, and the header it is read from. `arm` has private numbers and no table. */
const TABLES = [
  { abi: 'x86_64', module: 'x86-64.ts', header: 'linux/uapi/x86/asm/unistd_64.h' },
  { abi: 'i386', module: 'i386.ts', header: 'linux/uapi/x86/asm/unistd_32.h' },
  { abi: 'x32', module: 'x32.ts', header: 'linux/uapi/x86/asm/unistd_x32.h' },
  { abi: 'aarch64', module: 'aarch64.ts', header: 'linux/uapi/arm64/asm/unistd_64.h' },
] as const

const [headers, out] = process.argv.slice(2)
if (headers === undefined || out === undefined) {
  process.stderr.write('usage: syscall-tables.js DIR_OF_UAPI_HEADERS OUT_DIR\n')
  process.exitCode = 2
} else {
  const version = readFileSync(join(headers, 'VERSION'), 'utf8').trim()
  for (const { abi, module, header } of TABLES) {
    const names = namesInHeader(readFileSync(join(headers, header), 'utf8'))
    writeFileSync(join(out, module), tableModule({ abi, header, version }, names))
    process.stdout.write(`${abi} ${countOf(names)} calls, highest ${names.length - 1}\n`)
  }
}
