/**
 * Writes a reproducible tar archive: entries are sorted and have no times, so the same content gives the same octets everywhere.
 */

export type Entry = {
  /** Without a leading slash; a folder's ends with one. */
  readonly path: string
  readonly mode: number
  /** The number of user and group alike; root where absent. */
  readonly owner?: number
  readonly content?: Buffer
}

const block = 512
const octal = (value: number, width: number): string => `${value.toString(8).padStart(width - 1, '0')}\0`

/** One field of a header: where it starts, and its text. */
type Field = readonly [offset: number, text: string]

// POSIX ustar. The checksum is computed with its own field (at 148) full of spaces.
const fields = ({ path, mode, owner = 0, content }: Entry): readonly Field[] => [
  [0, path],
  [100, octal(mode, 8)],
  [108, octal(owner, 8)],
  [116, octal(owner, 8)],
  [124, octal(content?.length ?? 0, 12)],
  [136, octal(0, 12)],
  [148, ' '.repeat(8)],
  [156, path.endsWith('/') ? '5' : '0'],
  [257, 'ustar\0'],
  [263, '00'],
]

function header(entry: Entry): Buffer {
  if (Buffer.byteLength(entry.path) > 100) throw new Error(`${entry.path}: a name in the image has at most 100 octets`)
  const octets = Buffer.alloc(block)
  for (const [offset, text] of fields(entry)) octets.write(text, offset)
  const sum = octets.reduce((total, octet) => total + octet, 0)
  octets.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return octets
}

const padding = (length: number): Buffer => Buffer.alloc((block - (length % block)) % block)

const parents = (path: string): readonly string[] =>
  path
    .replace(/\/$/, '')
    .split('/')
    .slice(0, -1)
    .map((_, i, steps) => `${steps.slice(0, i + 1).join('/')}/`)

function withFolders(entries: readonly Entry[]): readonly Entry[] {
  const named = new Map(entries.flatMap(({ path }) => parents(path)).map((path) => [path, { path, mode: 0o755 }]))
  return [...new Map<string, Entry>([...named, ...entries.map((e) => [e.path, e] as const)]).values()]
}

const byPath = (a: Entry, b: Entry): number => (a.path < b.path ? -1 : 1)

/** The archive in pieces. Parent folders that no entry names are added. */
export const tar = (entries: readonly Entry[]): readonly Buffer[] => [
  ...withFolders(entries)
    .toSorted(byPath)
    .flatMap((entry) => {
      const content = entry.content ?? Buffer.alloc(0)
      return [header(entry), content, padding(content.length)]
    }),
  Buffer.alloc(2 * block),
]
