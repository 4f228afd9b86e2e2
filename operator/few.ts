/** Joins the first few of many texts for a sentence, and says how many more there are. Pure. */

const mostNamed = 5

export const few = (texts: readonly string[], separator = '; '): string =>
  texts.length <= mostNamed
    ? texts.join(separator)
    : `${texts.slice(0, mostNamed).join(separator)}${separator}and ${texts.length - mostNamed} more`
