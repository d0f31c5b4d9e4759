/**
 * Connections that have not said yet what they speak, bounded: one too many takes the place of the oldest of the peer that has
 * most of them. Whoever floods the service with connections so pushes out its own, and not those of others.
 */

/** What can be hung up on. */
export interface Cuttable {
  destroy(): unknown
}

export class PendingConnections<Connection extends Cuttable> {
  readonly #limit: number
  readonly #byPeer = new Map<string, Set<Connection>>()
  #count = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  get count(): number {
    return this.#count
  }

  /** Adds one of that peer; true if another was cut for it. */
  add(peer: string, connection: Connection): boolean {
    const isFull = this.#count >= this.#limit
    if (isFull) this.#cutOne()
    let connections = this.#byPeer.get(peer)
    if (connections === undefined) this.#byPeer.set(peer, (connections = new Set()))
    connections.add(connection)
    this.#count += 1
    return isFull
  }

  /** False if it was not there. */
  delete(peer: string, connection: Connection): boolean {
    const connections = this.#byPeer.get(peer)
    if (connections?.delete(connection) !== true) return false
    this.#count -= 1
    if (connections.size === 0) this.#byPeer.delete(peer)
    return true
  }

  /** Hangs up on all. */
  cut(): void {
    for (const connections of this.#byPeer.values()) {
      for (const connection of connections) connection.destroy()
    }
    this.#byPeer.clear()
    this.#count = 0
  }

  /** At most as many steps as there are peers, which are at most as many as connections. */
  #cutOne(): void {
    let largest: [peer: string, connections: Set<Connection>] | undefined
    for (const entry of this.#byPeer) {
      if (largest === undefined || entry[1].size > largest[1].size) largest = entry
    }
    if (largest === undefined) return
    const [oldest] = largest[1]
    if (oldest === undefined) return
    this.delete(largest[0], oldest)
    oldest.destroy()
  }
}
