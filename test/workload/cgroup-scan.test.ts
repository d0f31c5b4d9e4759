/** A walk over the cgroup tree. Plain directories have inodes as well. */
import { lstatSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { scanCgroups } from '../../src/workload/cgroup-scan.js'

t.test('the tree is scanned in breadth, within bounds, and ids are inodes', async (t) => {
  const mount = t.testdir({ a: { b: { c: {} } }, d: {}, file: 'not a cgroup' })
  const all = await scanCgroups(mount)
  t.same(all.map(({ path }) => path).toSorted(), ['/', '/a', '/a/b', '/a/b/c', '/d'])
  for (const { id, path } of all) t.equal(id, lstatSync(join(mount, path)).ino, path)
  t.same(
    (await scanCgroups(mount, { maxCgroups: 3, maxDepth: 9 })).map(({ path }) => path).toSorted(),
    ['/', '/a', '/d'],
    'a bound cuts off the deepest',
  )
  t.equal((await scanCgroups(mount, { maxCgroups: 99, maxDepth: 1 })).length, 3)
  t.same(await scanCgroups(join(mount, 'missing')), [])
})
