/** What the catalogue of errors says of each code. */
export interface ErrorRow {
  /** `{name}` is replaced by the subject's field of that name. */
  readonly message: string
  /** What to do about it; filled like the message. */
  readonly hint: string
  /** 1 failed, 2 wrong usage, 3 the answer is no; 126 and 127 as a shell says that a command could not be run. */
  readonly exit: 1 | 2 | 3 | 126 | 127
  /** https://grpc.io/docs/guides/status-codes/ */
  readonly grpc: 3 | 5 | 6 | 7 | 8 | 9 | 12 | 13 | 14 | 15 | 16
}
