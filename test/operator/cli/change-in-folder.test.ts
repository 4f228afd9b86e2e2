/** For a folder, `rotate`, `suspend` and `resume` say which field to change and where, and do not write the file themselves. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { credential, domain, listed, policy, yamlDirectory } from '../local/yaml.ts'
import { commanded } from './commanded.ts'

const plain = credential('app', 'shared')
const others = listed(
  credential('rotated', 'shared', { rotation: { overlap: '1h', trigger: 'one' }, suspended: true }),
  credential('device', 'shared', { type: 'ServiceAccountToken', serviceAccounts: [{ name: 'web' }] }),
)
const files = {
  'mail.yaml': `${policy('shared', 2525)}---\n${domain()}`,
  'app.yaml': `# kept\n${plain}`,
  'b/others.yaml': others,
}
const lineOf = (text: string, word: string): number => text.split('\n').findIndex((line) => line.includes(word)) + 1

async function command(...argv: readonly string[]) {
  const folder = yamlDirectory(files)
  const { code, out, err } = await commanded(...argv, '-f', folder)
  expect(readFileSync(join(folder, 'app.yaml'), 'utf8')).toBe(files['app.yaml'])
  return { code, out: out.replaceAll(folder, 'DIR'), err: err.replaceAll(folder, 'DIR').trimEnd() }
}

test('rotate names the file, the line, the field and a new trigger to write there', async () => {
  const { code, out, err } = await command('rotate', 'team-a/app')
  expect([code, out]).toEqual([1, ''])
  expect(err).toMatch(
    /^DIR\/app\.yaml:\d+:\d+: the folder says what runs, so set spec\.rotation\.trigger of RelayCredential team-a\/app to "20\d\d-.*Z" there; relayfleet local follows/,
  )
  expect((await command('rotate', 'team-a/rotated')).err).toContain(
    `DIR/b/others.yaml:${lineOf(others, 'trigger: one')}:`,
  )
})

test.each([
  [['suspend', 'app', '-n', 'team-a'], 'spec.suspended of RelayCredential team-a/app to true there'],
  [['resume', 'team-a/rotated'], 'spec.suspended of RelayCredential team-a/rotated to false there'],
  [['suspend', 'mail/shared', '--policy'], 'spec.suspended of RelayPolicy mail/shared to true there'],
])('%j names the field and the value to write there', async (argv, told) => {
  const { code, err } = await command(...argv)
  expect([code, err]).toEqual([1, expect.stringContaining(told)])
})

test.each([
  [['suspend', 'team-a/rotated'], 'spec.suspended of RelayCredential team-a/rotated is true there already'],
  [['resume', 'team-a/app'], 'spec.suspended of RelayCredential team-a/app is false there already'],
  [['resume', 'mail/shared', '--policy'], 'spec.suspended of RelayPolicy mail/shared is false there already'],
])('%j, where the field has that value already, says so with exit code 0', async (argv, told) => {
  const { code, out, err } = await command(...argv)
  expect([code, err]).toEqual([0, ''])
  expect(out).toContain(told)
})

test('-o json has the file, the line, the field and the value', async () => {
  const { out } = await command('resume', 'team-a/rotated', '-o', 'json')
  const line = lineOf(others, 'suspended')
  expect(JSON.parse(out)).toMatchObject({
    ...{ object: 'RelayCredential team-a/rotated', field: 'spec.suspended', value: false },
    ...{ file: 'DIR/b/others.yaml', line },
  })
})

test.each([
  [['rotate', 'team-a/apq'], 'did you mean team-a/app?'],
  [['rotate', 'app'], 'write NAMESPACE/NAME'],
  [['rotate', 'team-a/device'], 'only type Password has a password to replace'],
  [['suspend', 'team-a/app', '--context', 'x'], 'give one of the two'],
])('%j is refused, with exit code 2', async (argv, told) => {
  const { code, err } = await command(...argv)
  expect([code, err]).toEqual([2, expect.stringContaining(told)])
})

test('where there is no cluster, rotate says how to name a folder', async () => {
  const { code, err } = await commanded('rotate', 'app', '--kubeconfig', '/nowhere/kubeconfig')
  expect([code, err]).toEqual([3, expect.stringContaining('-f DIR')])
})
