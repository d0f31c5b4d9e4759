/**
 * Which container's and which image's slot a cgroup id leads to: a hash table with open addressing and linear probing on
 * typed arrays. A place that becomes free is filled up from behind, so that probes stay short however many cgroups come
 * and go.
 *
 *   ids         Float64Array   cgroup ids, up to 2^53; NaN is an empty place, which no id equals
 *   containers  Uint16Array    by place
 *   images      Uint16Array    by place: here too, so that most observations need not go by way of the container
 *
 * Looking up is O(1) and allocates nothing. 96 to 192 bytes per cgroup, at doubling size; the table grows in `set` only.
 */

const FIRST_PLACES = 512
/** At least: a probe that finds another cgroup first costs more than the room, because no processor foresees it. */
const PLACES_PER_CGROUP = 8

export class CgroupTable {
  #ids = new Float64Array(FIRST_PLACES).fill(NaN)
  #containers = new Uint16Array(FIRST_PLACES)
  #images = new Uint16Array(FIRST_PLACES)
  #mask = FIRST_PLACES - 1
  /** Leaves as many bits of a hash as a place has. */
  #shift = 32 - Math.log2(FIRST_PLACES)
  #size = 0

  get size(): number {
    return this.#size
  }

  /** The place of the cgroup, valid until the next change, or -1. */
  placeOf(cgroupId: number): number {
    const ids = this.#ids
    const mask = this.#mask
    let place = hashOf(cgroupId) >>> this.#shift
    let id = ids[place]!
    while (id !== cgroupId) {
      if (Number.isNaN(id)) return -1
      place = (place + 1) & mask
      id = ids[place]!
    }
    return place
  }

  /** By a place that `placeOf` gave. */
  containerAt(place: number): number {
    return this.#containers[place]!
  }

  /** Likewise. */
  imageAt(place: number): number {
    return this.#images[place]!
  }

  /** Puts the cgroup in, or leads it elsewhere. An id is a whole number. */
  set(cgroupId: number, container: number, image: number): void {
    let place = this.#homeOf(cgroupId)
    if (Number.isNaN(this.#ids[place])) {
      if ((this.#size + 1) * PLACES_PER_CGROUP > this.#ids.length) {
        this.#grow()
        place = this.#homeOf(cgroupId)
      }
      this.#size++
    }
    this.#put(place, cgroupId, container, image)
  }

  delete(cgroupId: number): void {
    const ids = this.#ids
    const mask = this.#mask
    let hole = this.#homeOf(cgroupId)
    if (Number.isNaN(ids[hole])) return
    this.#size--
    for (let at = (hole + 1) & mask; !Number.isNaN(ids[at]); at = (at + 1) & mask) {
      // It stays if its probes begin behind the hole: there it would not be found.
      const probes = (at - (hashOf(ids[at]!) >>> this.#shift)) & mask
      if (probes < ((at - hole) & mask)) continue
      this.#put(hole, ids[at]!, this.#containers[at]!, this.#images[at]!)
      hole = at
    }
    ids[hole] = NaN
  }

  /** Where the cgroup is, or the empty place where it would be. */
  #homeOf(cgroupId: number): number {
    let place = hashOf(cgroupId) >>> this.#shift
    while (this.#ids[place] !== cgroupId && !Number.isNaN(this.#ids[place])) {
      place = (place + 1) & this.#mask
    }
    return place
  }

  #put(place: number, cgroupId: number, container: number, image: number): void {
    this.#ids[place] = cgroupId
    this.#containers[place] = container
    this.#images[place] = image
  }

  #grow(): void {
    const ids = this.#ids
    const containers = this.#containers
    const images = this.#images
    this.#ids = new Float64Array(ids.length * 2).fill(NaN)
    this.#containers = new Uint16Array(ids.length * 2)
    this.#images = new Uint16Array(ids.length * 2)
    this.#mask = ids.length * 2 - 1
    this.#shift--
    for (let from = 0; from < ids.length; from++) {
      const id = ids[from]!
      if (!Number.isNaN(id)) this.#put(this.#homeOf(id), id, containers[from]!, images[from]!)
    }
  }
}

/** Of the low word: the high one is the same for nearly all cgroups of a host. The upper bits are the good ones. */
function hashOf(cgroupId: number): number {
  return Math.imul(cgroupId | 0, 0x9e37_79b1)
}
