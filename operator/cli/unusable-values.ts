/** Values of Secrets and ConfigMaps in a folder by which relays would not go: certificates, keys and authorities that are none. */
import { readAuthority } from '../../relay/rules/certificate.ts'
import { pairProblem } from '../../relay/rules/certificate-pair.ts'
import type { FileSource } from '../compile/compiled.ts'
import { valueIn } from '../local/directory.ts'
import type { Offline } from '../local/offline.ts'

type From = Exclude<FileSource['from'], { kind: 'issued' }>

/** For each object that fleets need and could not use, by `Secret mail/tls`: why. Compile knows only which keys an object has. */
export function unusableValues({ directory, compiled }: Offline): ReadonlyMap<string, string> {
  const textOf = (from: From): string => Buffer.from(valueIn(directory, from) ?? []).toString()
  const problems = new Map<string, string>()
  for (const from of sourcesIn(compiled.fleets)) {
    const problem = problemOf(from, textOf)
    if (problem !== undefined) problems.set(`${from.kind} ${from.name}`, problem)
  }
  return problems
}

const sourcesIn = (fleets: Offline['compiled']['fleets']): readonly From[] =>
  [...fleets.values()].flatMap((fleet) =>
    fleet.kind === 'run' ? fleet.files.flatMap(({ from }) => (from.kind === 'issued' ? [] : [from])) : [],
  )

const pair = { certificateFile: 'tls.crt', keyFile: 'tls.key' } as const

function problemOf(from: From, textOf: (from: From) => string): string | undefined {
  switch (from.key) {
    case pair.certificateFile: {
      const files = Object.values(pair).map((key) => [key, textOf({ ...from, key })] as const)
      const problem = pairProblem(pair, new Map(files))
      return problem && `no relay can use this certificate: ${problem}`
    }
    case 'ca.crt':
      try {
        readAuthority(from.key, textOf(from))
        return undefined
      } catch (error) {
        return `no relay can use this authority: ${(error as Error).message}; put its certificates into ca.crt, in PEM`
      }
    default:
      return undefined
  }
}
