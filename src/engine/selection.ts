/** Which containers a session learns. Pure. */
import { containerMatches, referenceMatches } from '../workload/image-reference.js'
import type { ContainerAnswer, Selection } from './input.js'

/** Whether the container is among what was asked for; one whose image is unknown can only be asked for by id, or all. */
export function isSelected(selection: Selection, answer: ContainerAnswer): boolean {
  if (selection.all) return true
  const { container, image } = selection
  if (container !== '') return containerMatches(container, answer)
  return image !== '' && answer.found && referenceMatches(image, answer)
}
