/** A spool with mail, and what is found in it after a test has changed its files. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { openSpool } from '../../../relay/spool/file-spool.ts'
import { temporaryFolder } from '../../local/temporary.ts'
import { until } from '../../local/until.ts'
import { accept, contentOf, messagesOf } from './contents.ts'
import { listening, octets } from './samples.ts'

/** A closed spool with two small messages and a large one; all of their records are in the journal's file `segment`. */
export async function filled() {
  const directory = temporaryFolder()
  const spool = await openSpool({ directory, events: listening().events })
  const contents = new Map<string, Buffer>()
  for (const bytes of [40, 140_000, 50]) {
    const content = contentOf(bytes, bytes)
    contents.set((await accept(spool, content)).envelope.queueId, content)
  }
  await spool.close()
  const [segment = ''] = readdirSync(join(directory, 'journal'))
  const [small = '', large = '', last = ''] = contents.keys()
  return { directory, contents, segment: join(directory, 'journal', segment), small, large, last }
}

/**
 * Opens the spool again, and checks the content of each message that is in it: their queue ids, what was told, and the files in
 * quarantine, for which it waits until there are at least `quarantined`.
 */
export async function found({ directory, contents }: Awaited<ReturnType<typeof filled>>, quarantined = 0) {
  const told = listening()
  const spool = await openSpool({ directory, events: told.events })
  const ids: string[] = []
  for (const { envelope } of await messagesOf(spool)) {
    const content = await octets(spool.content(envelope.queueId))
    expect(content.equals(contents.get(envelope.queueId) ?? Buffer.of())).toBe(true)
    ids.push(envelope.queueId)
  }
  const setAside = () => readdirSync(join(directory, 'quarantine'))
  await until('what is damaged is set aside', () => setAside().length >= quarantined)
  await spool.close()
  return { ids, told: told.lines.map((line) => line.replaceAll(directory, '')), setAside: setAside() }
}
