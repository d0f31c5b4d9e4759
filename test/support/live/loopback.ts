/** Ports and answers on the loopback interface, for tests with servers in containers. Nothing leaves the machine. */
import { createServer, type AddressInfo } from 'node:net'
import { get } from 'node:http'

/** A TCP port on 127.0.0.1 that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.on('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })
}

/** The body of `http://127.0.0.1:PORT/`, or undefined while nobody answers with status 200. */
export function page(port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const request = get({ host: '127.0.0.1', port, path: '/', timeout: 2_000, agent: false })
    request.on('error', () => resolve(undefined))
    request.on('timeout', () => request.destroy())
    request.on('response', (response) => {
      let body = ''
      response.setEncoding('utf8').on('data', (text: string) => (body += text))
      response.on('end', () => resolve(response.statusCode === 200 ? body : undefined))
      response.on('error', () => resolve(undefined))
    })
  })
}
