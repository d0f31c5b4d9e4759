/** Which image a container is of, by what its runtime said of it or did not say. Pure. */
import type { ImageIdentity } from '../baseline/image-identity.js'
import { byteStringOfText } from '../bytes.js'
import type { ContainerAnswer } from './input.js'

/** The image; a container whose image nobody could name stands in as its own. */
export function imageOf(answer: ContainerAnswer): ImageIdentity {
  return {
    kind: 'container',
    digest: answer.found ? answer.imageDigest : `sha256:${answer.containerId}`,
    name: answer.found ? answer.imageName : `container:${answer.containerId.slice(0, 12)}`,
    entrypoint: answer.entrypoint.map((argument) => byteStringOfText(argument)),
  }
}

/** What takes the place of an answer that never came. */
export function noAnswer(containerId: string): ContainerAnswer {
  return {
    runtime: '',
    containerId,
    found: false,
    problem: 'its runtime did not answer in time',
    runtimeVersion: '',
    name: '',
    imageDigest: '',
    imageName: '',
    entrypoint: [],
    healthChecks: [],
    labels: undefined,
  }
}
