/** Names of the operations that can be submitted to an io_uring, by opcode. Pure facts. */

/** An opcode is one byte of the submission. */
export const URING_OPCODE_LIMIT = 256

/** include/uapi/linux/io_uring.h (Linux 7.2), by opcode, without `IORING_OP_`. */
const NAMES: readonly string[] = (
  'NOP READV WRITEV FSYNC READ_FIXED WRITE_FIXED POLL_ADD POLL_REMOVE SYNC_FILE_RANGE SENDMSG ' +
  'RECVMSG TIMEOUT TIMEOUT_REMOVE ACCEPT ASYNC_CANCEL LINK_TIMEOUT CONNECT FALLOCATE OPENAT CLOSE ' +
  'FILES_UPDATE STATX READ WRITE FADVISE MADVISE SEND RECV OPENAT2 EPOLL_CTL SPLICE ' +
  'PROVIDE_BUFFERS REMOVE_BUFFERS TEE SHUTDOWN RENAMEAT UNLINKAT MKDIRAT SYMLINKAT LINKAT MSG_RING ' +
  'FSETXATTR SETXATTR FGETXATTR GETXATTR SOCKET URING_CMD SEND_ZC SENDMSG_ZC READ_MULTISHOT WAITID ' +
  'FUTEX_WAIT FUTEX_WAKE FUTEX_WAITV FIXED_FD_INSTALL FTRUNCATE BIND LISTEN RECV_ZC EPOLL_WAIT ' +
  'READV_FIXED WRITEV_FIXED PIPE NOP128 URING_CMD128'
).split(' ')

const OPCODES: ReadonlyMap<string, number> = new Map(NAMES.map((name, opcode) => [name, opcode]))

/** The name of the operation, such as `CONNECT`, or undefined where there is none. O(1). */
export function uringOpName(opcode: number): string | undefined {
  return NAMES[opcode]
}

/** The opcode of the operation with that name, or undefined. O(1). */
export function uringOpcode(name: string): number | undefined {
  return OPCODES.get(name)
}

/** What to show for an operation: its name, or an explicit unknown such as `200?`. */
export function uringOpLabel(opcode: number): string {
  return uringOpName(opcode) ?? `${opcode}?`
}
