/**
 * What runtimes do by prctl after loading the filter, by option: always allowed where prctl is filtered by its option, as
 * the runtimes' floor has the name. Options of include/uapi/linux/prctl.h; runc 1.1.5 was seen to use those marked so,
 * the others are what crun and the programs that engines put in front of an entrypoint use, or libc and Go for threads.
 */
export const PRCTL_FLOOR: ReadonlyMap<number, string> = new Map([
  [1, 'runtimes restore the signal that a container gets when its parent dies'],
  [2, 'runtimes ask for the signal that a container gets when its parent dies'],
  [4, 'runtimes keep others from tracing them (PR_SET_DUMPABLE)'],
  [8, 'runc keeps capabilities over the change of user (seen)'],
  [15, 'libc and Go name threads'],
  [22, 'a filter on top of this one, such as that of an init program'],
  [23, 'runtimes ask which capabilities may be had at all'],
  [24, 'runc drops capabilities for good (seen)'],
  [38, 'no_new_privileges, which only takes away'],
  [47, 'runc sets the ambient capabilities (seen)'],
])
