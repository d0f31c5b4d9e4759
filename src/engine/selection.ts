/** Which containers a session learns. Pure. */
import { containerMatches, referenceMatches } from '../workload/image-reference.js'
import type { ContainerAnswer, Selection, SelectionChange } from './input.js'

/**
 * Whether the container is among what was asked for; one whose image is unknown can only be asked for by id, or all. The latest
 * of `changes` that is about its image comes before that.
 */
export function isSelected(
  selection: Selection,
  answer: ContainerAnswer,
  changes: readonly SelectionChange[] = [],
): boolean {
  const change = answer.found
    ? changes.findLast((each) => referenceMatches(each.image, answer))
    : undefined
  if (change !== undefined) return change.isLearned
  if (selection.all) return true
  const { container, image } = selection
  if (container !== '') return containerMatches(container, answer)
  return image !== '' && answer.found && referenceMatches(image, answer)
}
