/** Messages as clients get them: plain objects whose 64-bit numbers are numbers. Types only. */

/** A generated type without the classes of protobufjs in it. */
export type Plain<T> = T extends { toNumber(): number }
  ? number
  : T extends Uint8Array
    ? T
    : T extends readonly (infer Item)[]
      ? Plain<Item>[]
      : T extends object
        ? { readonly [Field in keyof T]: Plain<T[Field]> }
        : T
