/** What clients ask of reports in random stories: for each recipient by its path, so that a test knows it without keeping it. */
import type { RecipientWish, ReportWishes } from '../../../relay/mail/report-wishes.ts'

const kinds: readonly (RecipientWish | undefined)[] = [
  undefined,
  undefined,
  { notify: ['SUCCESS', 'FAILURE'], orcpt: 'rfc822;first@corp.test' },
  { notify: ['NEVER'] },
  { notify: ['SUCCESS'] },
  { notify: ['DELAY', 'FAILURE'] },
]

export function someWishes(forwardPaths: readonly string[]): { readonly wishes?: ReportWishes } {
  const asked = forwardPaths.flatMap((path, position) => {
    const wish = kinds[(path.charCodeAt(0) + path.charCodeAt(1) + path.length) % kinds.length]
    return wish === undefined ? [] : [[position, wish] as const]
  })
  return asked.length === 0 ? {} : { wishes: { envid: 'story', recipients: Object.fromEntries(asked) } }
}
