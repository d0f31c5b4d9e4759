/**
 * The two calls of i386 through which older programs make several others, the first argument saying which. libseccomp
 * knows them: a rule for such a name on i386 is also one for the multiplexer with that first argument, in place of the
 * test that the rule itself has of it (src/arch-x86.c of libseccomp 2.5).
 */

/** By the number of the sub-call, from 1 (include/uapi/linux/net.h). */
const SOCKETCALL: readonly string[] = (
  'socket bind connect listen accept getsockname getpeername socketpair send recv sendto recvfrom ' +
  'shutdown setsockopt getsockopt sendmsg recvmsg accept4 recvmmsg sendmmsg'
).split(' ')

/** By the number of the sub-call (include/uapi/linux/ipc.h). */
const IPC: Readonly<Record<number, string>> = {
  1: 'semop',
  2: 'semget',
  3: 'semctl',
  4: 'semtimedop',
  11: 'msgsnd',
  12: 'msgrcv',
  13: 'msgget',
  14: 'msgctl',
  21: 'shmat',
  22: 'shmdt',
  23: 'shmget',
  24: 'shmctl',
}

/** The call that i386's `name` makes with that first argument, or undefined if it is no multiplexer or none such. */
export function multiplexedCall(name: string, first: bigint): string | undefined {
  const number = Number(first & 0xffff_ffffn)
  if (name === 'socketcall') return SOCKETCALL[number - 1]
  return name === 'ipc' ? IPC[number] : undefined
}
