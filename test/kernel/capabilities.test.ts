/** Capabilities and io_uring operations: names, numbers, and how dangerous a new one is. */
import t from 'tap'
import {
  CAPABILITY_LIMIT,
  capabilityLabel,
  capabilityName,
  capabilityNr,
} from '../../src/kernel/capabilities.js'
import {
  capabilityDanger,
  isNeverLearnedCapability,
  NEVER_LEARNED_CAPABILITIES,
} from '../../src/kernel/capability-danger.js'
import {
  uringOpcode,
  uringOpLabel,
  uringOpName,
  URING_OPCODE_LIMIT,
} from '../../src/kernel/io-uring.js'
import { DANGERS } from '../../src/kernel/syscall-danger.js'

// Counts and numbers of linux-libc-dev 7.2.13, which agreed in every name and number.
t.test(
  'names and numbers are the same in both directions, and no more than there are',
  async (t) => {
    const tables = [
      { nameOf: capabilityName, nrOf: capabilityNr, count: 41, limit: CAPABILITY_LIMIT },
      { nameOf: uringOpName, nrOf: uringOpcode, count: 65, limit: URING_OPCODE_LIMIT },
    ]
    for (const { nameOf, nrOf, count, limit } of tables) {
      const names = Array.from({ length: limit }, (_, nr) => nameOf(nr))
      t.equal(names.filter((name) => name !== undefined).length, count)
      t.notOk(
        names.slice(count).some((name) => name !== undefined),
        'without gaps',
      )
      for (const [nr, name] of names.slice(0, count).entries()) t.equal(nrOf(name ?? ''), nr)
      t.equal(nrOf('NO_SUCH'), undefined)
    }
  },
)

t.test('well-known ones have their numbers, and a number without a name says so', async (t) => {
  const capabilities = {
    0: 'CAP_CHOWN',
    12: 'CAP_NET_ADMIN',
    13: 'CAP_NET_RAW',
    21: 'CAP_SYS_ADMIN',
  }
  for (const [nr, name] of Object.entries(capabilities)) t.equal(capabilityLabel(Number(nr)), name)
  t.equal(capabilityLabel(27), 'CAP_MKNOD')
  t.equal(capabilityLabel(40), 'CAP_CHECKPOINT_RESTORE')
  t.equal(capabilityLabel(41), '41?')
  const opcodes = {
    0: 'NOP',
    16: 'CONNECT',
    18: 'OPENAT',
    45: 'SOCKET',
    46: 'URING_CMD',
    64: 'URING_CMD128',
  }
  for (const [opcode, name] of Object.entries(opcodes)) t.equal(uringOpLabel(Number(opcode)), name)
  t.equal(uringOpLabel(255), '255?')
})

t.test('a capability is as dangerous as what it opens', async (t) => {
  const cases: readonly (readonly [string, string])[] = [
    ['CAP_SYS_ADMIN', 'critical'],
    ['CAP_SYS_MODULE', 'critical'],
    ['CAP_BPF', 'critical'],
    ['CAP_SYS_TIME', 'high'],
    ['CAP_NET_RAW', 'high'],
    ['CAP_NET_ADMIN', 'high'],
    ['CAP_SETUID', 'high'],
    ['CAP_DAC_OVERRIDE', 'medium'],
    ['CAP_NET_BIND_SERVICE', 'medium'],
    ['CAP_NET_BROADCAST', 'low'],
  ]
  for (const [name, danger] of cases)
    t.equal(capabilityDanger(capabilityNr(name) ?? -1), danger, name)
  t.equal(capabilityDanger(63), 'high', 'one that cannot be judged')
})

t.test('what is never learned has a reason, is real, and is high at least', async (t) => {
  for (const [name, reason] of NEVER_LEARNED_CAPABILITIES) {
    const nr = capabilityNr(name)
    t.ok(nr !== undefined && isNeverLearnedCapability(nr), name)
    t.ok(DANGERS.indexOf(capabilityDanger(nr ?? -1)) <= DANGERS.indexOf('high'), `${name}: level`)
    t.ok(reason.length > 0)
  }
  // What engines give by default is learned: a usual image must not come with a list of candidates.
  const usual =
    'CHOWN DAC_OVERRIDE FSETID FOWNER MKNOD NET_RAW SETGID SETUID SETFCAP SETPCAP NET_BIND_SERVICE ' +
    'SYS_CHROOT KILL AUDIT_WRITE NET_ADMIN'
  for (const name of usual.split(' ')) {
    t.notOk(isNeverLearnedCapability(capabilityNr(`CAP_${name}`) ?? -1), name)
  }
  t.notOk(isNeverLearnedCapability(63))
})
