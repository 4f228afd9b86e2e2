/** A bar chart of the messages that each contestant delivers a second, one group for each shape: an SVG that loads nothing. */
import { digits, ofRuns } from './page.ts'
import { type Results, type Shape, shapeNames } from './results.ts'

const titles: Readonly<Record<Shape, string>> = {
  smallReused: '4 KB, 20 sessions reused',
  smallPipelined: '4 KB, 20 sessions reused, pipelined',
  smallSingle: '4 KB, a connection each',
  largeReused: '100 KB, 20 sessions reused',
  largeSingle: '100 KB, a connection each',
}
const colours = ['#0b6e4f', '#8a8d91', '#c98b2b', '#9c5b7d', '#5b7db1']
const width = 760
const bar = { left: 120, room: 540, height: 18, gap: 4 }
const titleHeight = 28
const margin = 16

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
type Bar = { readonly name: string; readonly value: number | undefined }

/** Each group has its own scale, so that the longest bar of each fills the width. */
export function plotOf(results: Results | undefined): string {
  const entries = results?.entries ?? []
  const groupHeight = titleHeight + entries.length * (bar.height + bar.gap) + margin
  const groups = shapeNames.map((shape, n) => {
    const delivered = ofRuns(shape, 'deliveredPerSecond')
    const bars = entries.map((entry) => ({ name: entry.name, value: delivered(entry) }))
    return group(titles[shape], bars, margin + n * groupHeight)
  })
  const height = margin + groups.length * groupHeight
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="13">`,
    '<title>Messages delivered a second: more is better</title>',
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    ...groups.flat(),
    '</svg>',
    '',
  ].join('\n')
}

function group(title: string, bars: readonly Bar[], top: number): readonly string[] {
  const longest = Math.max(1, ...bars.map(({ value }) => value ?? 0))
  return [
    `<text x="${margin}" y="${top + 14}" font-weight="bold">${escaped(title)}: delivered a second</text>`,
    ...bars.flatMap(({ name, value }, n) => {
      const y = top + titleHeight + n * (bar.height + bar.gap)
      const length = Math.round(((value ?? 0) / longest) * bar.room)
      return [
        `<text x="${bar.left - 8}" y="${y + 13}" text-anchor="end">${escaped(name)}</text>`,
        `<rect x="${bar.left}" y="${y}" width="${length}" height="${bar.height}" fill="${colours[n % colours.length]}"/>`,
        `<text x="${bar.left + length + 6}" y="${y + 13}">${digits(value)}</text>`,
      ]
    }),
  ]
}
