/**
 * The moving part of learning: at intervals it looks how far every image is, shows that to who watches, and ends learning
 * where it was asked to go on until all is settled.
 */
import { DEFAULT_GATE } from '../baseline/coverage.js'
import type { Progress } from '../baseline/progress.js'
import type { BaselineStore } from '../baseline/store.js'
import type { Run } from '../engine/run.js'
import { expectationText, unitName } from './coverage-text.js'
import { plural } from './plural.js'
import { ProgressWatch } from './progress-watch.js'
import { sparkline } from './sparkline.js'
import type { Terminal } from './terminal.js'

export interface TickerOptions {
  readonly terminal: Terminal
  readonly store: BaselineStore
  /** The terminal belongs to a command: nothing moves on it. */
  readonly isCommand: boolean
  /** Called once when every image that ran is stable; undefined if learning does not end by that. */
  readonly onStable: (() => void) | undefined
}

const TICK_MS = 2000
/** Looking costs a merge with all that was stored: it must not take more than a twentieth of the time. */
const REST = 20
const CURVE_WIDTH = 20
const NEWS_SHOWN = 3

export class ProgressTicker {
  readonly #options: TickerOptions
  readonly #watch: ProgressWatch
  #news: readonly string[] = []
  #timer: NodeJS.Timeout | undefined
  #isLooking = false
  #restUntilMs = 0

  constructor(options: TickerOptions) {
    this.#options = options
    this.#watch = new ProgressWatch(options.store, DEFAULT_GATE)
  }

  /** Begins to tick, if anybody wants to know. */
  start(): void {
    const { terminal, isCommand, onStable } = this.#options
    if (onStable === undefined && (isCommand || !terminal.isWatched)) return
    this.#timer ??= setInterval(() => void this.#look(), TICK_MS)
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  runStarted(run: Run): void {
    this.#watch.runStarted(run)
  }

  runEnded(run: Run): void {
    this.#watch.runEnded(run)
    if (this.#options.onStable !== undefined) void this.#look()
  }

  /** Something was new to an image. */
  learned(text: string): void {
    this.#news = [text, ...this.#news].slice(0, NEWS_SHOWN)
  }

  async #look(): Promise<void> {
    const startedMs = Date.now()
    if (this.#timer === undefined || this.#isLooking || startedMs < this.#restUntilMs) return
    this.#isLooking = true
    try {
      const all = await this.#watch.progress()
      if (!this.#options.isCommand && all.length > 0) {
        this.#options.terminal.progress(progressLine(all, this.#news))
      }
      if (all.length > 0 && all.every(({ settling }) => settling === 'stable')) {
        this.#options.onStable?.()
      }
    } finally {
      this.#isLooking = false
      this.#restUntilMs = Date.now() + (Date.now() - startedMs) * REST
    }
  }
}

/** One line: the image that is farthest from settled stands for all. */
function progressLine(all: readonly Progress[], news: readonly string[]): string {
  const [worst] = all.toSorted((a, b) => b.coverage.newPerUnit - a.coverage.newPerUnit)
  if (worst === undefined) return ''
  const { coverage, settling } = worst
  const unit = unitName(worst.unit)
  const images = all.length === 1 ? '' : `${all.length} images, the least settled: `
  const latest = news.length === 0 ? '' : `; new: ${news.join(', ')}`
  const of = settling === 'learning' ? ` of ${DEFAULT_GATE.units}` : ''
  return (
    `${settling}: ${images}${sparkline(coverage.curve, CURVE_WIDTH)} ${plural(coverage.items, 'item')} in ` +
    `${coverage.units}${of} ${unit}s${latest}; ${expectationText(coverage, unit)}`
  )
}
