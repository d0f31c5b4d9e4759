/** What the matcher says of one observation: a small number, because there are many observations. */

export const OUTCOME = {
  /** Allowed. */
  KNOWN: 0,
  /** Not allowed, and the first of its kind, key and lineage in this container. */
  NEW: 1,
  /** As `NEW`, of a call under an ABI that the image does not use: the ABI is what is new, whatever the call. */
  NEW_ABI: 2,
  /** Not allowed, and counted before in this container. */
  REPEAT: 3,
  /** Not allowed, and there is no room to tell it from others: the first such of its kind in this container. */
  CAPPED: 4,
  /** As `CAPPED`, but not the first: counted as overflow of the container and kind. */
  CAPPED_REPEAT: 5,
  /** The cgroup belongs to no container that is known. */
  UNTRACKED: 6,
  /** The image has nothing to judge by, or nothing for this kind. */
  UNJUDGED: 7,
} as const
export type Outcome = (typeof OUTCOME)[keyof typeof OUTCOME]
