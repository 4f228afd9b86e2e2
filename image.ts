/** `npm run image`: packs the container image into build/relayfleet-image.tar, with the same content as the Dockerfile's. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { pack, version } from './image/pack.ts'

const dist = join(import.meta.dirname, 'dist')
const archive = join(import.meta.dirname, 'build/relayfleet-image.tar')

const missing = ['operator.js', 'relay.js', 'relayfleet.js'].filter((name) => !existsSync(join(dist, name)))
if (missing.length > 0) throw new Error(`dist/${missing[0]} is missing; run npm run build first`)
const { name, digest } = pack({ dist, node: process.execPath, tag: version() }, archive)
process.stdout.write(`${name}\n${digest}\n${archive}\n`)
