/** The formats that a profile can be written in, and what writing in one of them gives. */

/** `oci`: what engines take; `spo`: the Security Profiles Operator's manifest; `systemd`: a unit's drop-in. */
export const PROFILE_FORMATS = ['oci', 'spo', 'systemd'] as const
export type ProfileFormat = (typeof PROFILE_FORMATS)[number]

/** A profile in one format. */
export interface ProfileExport {
  /** The file's content, with a newline at the end; ASCII. */
  readonly text: string
  /** Names that the file allows: those of the profile or fewer. */
  readonly allowed: readonly string[]
  /** Plain sentences for the user: what the format cannot say. */
  readonly notes: readonly string[]
}
