/** Events as messages of syslog. A sink goes on when its messages were handed to the kernel: syslog acknowledges nothing. */
import { readTlsFiles } from './credentials.js'
import { logLines } from './logger-process.js'
import type { SyslogSpec } from './sink-spec.js'
import { localLine, type SyslogForm, syslogMessage } from './syslog-message.js'
import { isDatagramSocket, problemOf, SyslogStream } from './syslog-stream.js'
import { SyslogUdp } from './syslog-udp.js'
import {
  type AnomalyEncoder,
  delivered,
  type SinkClock,
  type SinkMessage,
  type Target,
  troubled,
} from './target.js'

export interface SyslogTargetOptions {
  readonly spec: SyslogSpec
  readonly node: string
  readonly view: AnomalyEncoder
  readonly clock: SinkClock
}

/** What receivers commonly take in one datagram, and over a connection. */
const DATAGRAM_BYTES = 8192
const STREAM_BYTES = 64 * 1024

/** Rejects if the files that it needs cannot be used. */
export async function syslogTarget(options: SyslogTargetOptions): Promise<Target> {
  const { address, tls } = options.spec
  if (address.transport === 'udp') return udpTarget(address, formOf(options, DATAGRAM_BYTES))
  await readTlsFiles(tls)
  if (address.transport === 'unix') return unixTarget(address, options)
  const form = formOf(options, STREAM_BYTES)
  const stream = new SyslogStream({ ...options.spec, address, clock: options.clock })
  const target: Target<string> = {
    encode: (message) => syslogMessage(message, form),
    deliver: async (batch, signal) => {
      try {
        await stream.write(batch, signal)
        return delivered(batch.length)
      } catch (thrown) {
        return troubled({ problem: problemOf(thrown) })
      }
    },
    close: async () => stream.close(),
  }
  return target
}

function udpTarget(
  address: { readonly host: string; readonly port: number },
  form: SyslogForm,
): Target<string> {
  const udp = new SyslogUdp(address)
  return {
    encode: (message) => syslogMessage(message, form),
    deliver: async (batch, signal) => {
      let done = 0
      try {
        await udp.send(batch, signal, () => void done++)
        return delivered(done)
      } catch (thrown) {
        return troubled({ problem: problemOf(thrown) }, done)
      }
    },
    close: async () => udp.close(),
  }
}

/** /dev/log is a datagram socket nearly everywhere, but some programs listen on stream sockets: found out by connecting. */
function unixTarget(
  address: { readonly transport: 'unix'; readonly path: string },
  options: SyslogTargetOptions,
): Target<SinkMessage> {
  const { spec, clock } = options
  const form = formOf(options, DATAGRAM_BYTES)
  const stream = new SyslogStream({ ...spec, address, clock })
  const logger = {
    socketPath: address.path,
    tag: spec.appName,
    limit: DATAGRAM_BYTES,
    timeoutMs: spec.timeoutMs,
    clock,
  }
  return {
    encode: (message) => message,
    deliver: async (batch, signal) => {
      try {
        await stream.write(
          batch.map((message) => syslogMessage(message, form)),
          signal,
        )
        return delivered(batch.length)
      } catch (thrown) {
        if (!isDatagramSocket(thrown)) return troubled({ problem: problemOf(thrown) })
      }
      const lines = batch.map((message) => localLine(message, form))
      await logLines(lines, logger, signal)
      return delivered(batch.length)
    },
    close: async () => stream.close(),
  }
}

function formOf({ spec, node, view }: SyslogTargetOptions, limit: number): SyslogForm {
  const { facility, appName, format } = spec
  return { facility, appName, format, node, view, limit }
}
