/**
 * What the relay parses, written a second time from the RFCs alone: character by character, without regular expressions, and
 * without anything of relay/. A function returns undefined if the text does not fit the grammar.
 */

const alphabet = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'
const digits = '0123456789'
const atextSpecials = "!#$%&'*+-/=?^_`{|}~"

const codeAt = (text: string, at: number): number => text.charCodeAt(at)
const isLetterOrDigit = (c: string): boolean => c !== '' && (alphabet + digits).includes(c)
const isDigit = (c: string): boolean => c !== '' && digits.includes(c)
const beyondAscii = (c: string): boolean => c !== '' && codeAt(c, 0) > 127
/** atext of RFC 5322 section 3.2.3, extended by UTF8-non-ascii of RFC 6531 section 3.3. */
const isAtext = (c: string): boolean => isLetterOrDigit(c) || (c !== '' && atextSpecials.includes(c)) || beyondAscii(c)

/** A position in a text. A method that finds nothing takes nothing. */
class Scan {
  at = 0
  readonly text: string

  constructor(text: string) {
    this.text = text
  }

  get next(): string {
    return this.text.charAt(this.at)
  }

  get done(): boolean {
    return this.at >= this.text.length
  }

  eat(wanted: string): boolean {
    if (!this.text.startsWith(wanted, this.at)) return false
    this.at += wanted.length
    return true
  }

  /** Takes at least one character that fits. */
  run(is: (c: string) => boolean): string | undefined {
    const from = this.at
    while (!this.done && is(this.next)) this.at += 1
    return this.at === from ? undefined : this.text.slice(from, this.at)
  }

  /** Tries `parse`, and goes back to where it began if that finds nothing. */
  attempt<T>(parse: () => T | undefined): T | undefined {
    const from = this.at
    const found = parse()
    if (found === undefined) this.at = from
    return found
  }
}

export type AddrSpec = { readonly localPart: string; readonly domain: string }

/** Atoms with single dots between them. */
const dotAtom = (s: Scan): string | undefined =>
  s.attempt(() => {
    let whole = s.run(isAtext)
    while (whole !== undefined && s.eat('.')) {
      const more = s.run(isAtext)
      whole = more === undefined ? undefined : `${whole}.${more}`
    }
    return whole
  })

/** The content of a quoted string (RFC 5321 section 4.1.2), but with any characters; some may follow a backslash. */
const quotedString = (s: Scan): string | undefined =>
  s.attempt(() => {
    if (!s.eat('"')) return undefined
    let content = ''
    for (;;) {
      if (s.eat('"')) return content
      if (s.done) return undefined
      s.eat('\\')
      const c = s.next
      if (c === '') return undefined
      content += c
      s.at += 1
    }
  })

/** Labels of letters, digits, hyphens and characters beyond ASCII (RFC 5321 section 4.1.2, RFC 6531 section 3.3). */
const domainName = (s: Scan): string | undefined =>
  s.attempt(() => {
    const labels: string[] = []
    do {
      const label = s.run((c) => isLetterOrDigit(c) || c === '-' || beyondAscii(c))
      if (label === undefined || label.startsWith('-') || label.endsWith('-')) return undefined
      labels.push(label)
    } while (s.eat('.'))
    return labels.join('.')
  })

const addrSpecAt = (s: Scan): AddrSpec | undefined =>
  s.attempt(() => {
    const localPart = s.next === '"' ? quotedString(s) : dotAtom(s)
    if (localPart === undefined || !s.eat('@')) return undefined
    const domain = domainName(s)
    return domain === undefined ? undefined : { localPart, domain }
  })

export function addrSpec(text: string): AddrSpec | undefined {
  const s = new Scan(text)
  const found = addrSpecAt(s)
  return s.done ? found : undefined
}

export type PathLine = {
  /** Undefined for the null reverse-path. */
  readonly mailbox: AddrSpec | undefined
  readonly parameters: Readonly<Record<string, string>>
}

/** `MAIL FROM:<…> …` or `RCPT TO:<…> …`. White space before the path, at the end, or more than one elsewhere is tolerated. */
export function pathLine(line: string): PathLine | undefined {
  const s = new Scan(line)
  const verb = s.text.slice(0, 10).toUpperCase()
  const prefix = ['MAIL FROM:', 'RCPT TO:'].find((p) => verb.startsWith(p))
  if (prefix === undefined) return undefined
  s.at = prefix.length
  while (eatBlank(s));
  if (!s.eat('<')) return undefined
  const mailbox = s.next === '>' ? undefined : addrSpecAt(s)
  if (!s.eat('>')) return undefined
  const parameters: Record<string, string> = {}
  while (!s.done) {
    if (!eatBlank(s)) return undefined
    while (eatBlank(s));
    if (s.done) break
    const parameter = parameterAt(s)
    if (parameter === undefined || parameter.keyword in parameters) return undefined
    parameters[parameter.keyword] = parameter.value
  }
  return { mailbox, parameters }
}

const eatBlank = (s: Scan): boolean => s.eat(' ') || s.eat('\t')

function parameterAt(s: Scan): { readonly keyword: string; readonly value: string } | undefined {
  const first = s.next
  const keyword = s.run((c) => isLetterOrDigit(c) || c === '-')?.toUpperCase()
  if (keyword === undefined || first === '-') return undefined
  if (!s.eat('=')) return { keyword, value: '' }
  const value = s.run((c) => (codeAt(c, 0) > 32 && codeAt(c, 0) !== 127 && c !== '=') || beyondAscii(c))
  return value === undefined ? undefined : { keyword, value }
}

export type HeaderField = { readonly name: string; readonly value: string }

/** The fields of a header (RFC 5322 section 2.2), up to the blank line if there is one; one character for each octet. */
export function headerFields(block: string): readonly HeaderField[] | undefined {
  const fields: { name: string; value: string }[] = []
  for (let at = 0; at < block.length; ) {
    const end = block.indexOf('\r\n', at)
    if (end === -1) return undefined
    const line = block.slice(at, end)
    at = end + 2
    if (line === '') return at === block.length ? fields : undefined
    if (!takeLine(line, fields)) return undefined
  }
  return fields
}

function takeLine(line: string, fields: { name: string; value: string }[]): boolean {
  const folded = line.startsWith(' ') || line.startsWith('\t')
  const last = fields.at(-1)
  const name = folded ? undefined : nameOf(line)
  if (name !== undefined) fields.push({ name: name.toLowerCase(), value: line.slice(name.length + 1) })
  else if (folded && last !== undefined) last.value += line
  else return false
  return true
}

function nameOf(line: string): string | undefined {
  const s = new Scan(line)
  const name = s.run((c) => codeAt(c, 0) > 32 && codeAt(c, 0) < 127 && c !== ':')
  return name !== undefined && s.eat(':') ? name : undefined
}

/** Every mailbox of an address list (RFC 5322 section 3.4), comments and groups included. */
export function mailboxes(value: string): readonly AddrSpec[] | undefined {
  const s = new Scan(value)
  const found: AddrSpec[] = []
  do {
    const address = mailboxAt(s) ?? groupAt(s)
    if (address === undefined) return undefined
    found.push(...address)
  } while (s.eat(','))
  return s.done ? found : undefined
}

function groupAt(s: Scan): readonly AddrSpec[] | undefined {
  return s.attempt(() => {
    if (!phraseAt(s) || !s.eat(':')) return undefined
    const members: AddrSpec[] = []
    comments(s)
    while (!s.eat(';')) {
      const member = mailboxAt(s)
      if (member === undefined) return undefined
      members.push(...member)
      s.eat(',')
    }
    comments(s)
    return members
  })
}

function mailboxAt(s: Scan): readonly AddrSpec[] | undefined {
  const endsHere = (): boolean => s.done || s.next === ',' || s.next === ';'
  const bare = s.attempt(() => {
    comments(s)
    const spec = spacedSpecAt(s)
    return spec !== undefined && endsHere() ? [spec] : undefined
  })
  if (bare !== undefined) return bare
  return s.attempt(() => {
    phraseAt(s)
    comments(s)
    if (!s.eat('<')) return undefined
    comments(s)
    const spec = spacedSpecAt(s)
    if (spec === undefined || !s.eat('>')) return undefined
    comments(s)
    return endsHere() ? [spec] : undefined
  })
}

const spacedSpecAt = (s: Scan): AddrSpec | undefined =>
  s.attempt(() => {
    const localPart = s.next === '"' ? quotedString(s) : dotAtom(s)
    comments(s)
    if (localPart === undefined || !s.eat('@')) return undefined
    comments(s)
    const domain = domainName(s)
    comments(s)
    return domain === undefined ? undefined : { localPart, domain }
  })

/** Takes a phrase: words, and after the first one also dots, as in obs-phrase (RFC 5322 section 4.1). False if there is none. */
function phraseAt(s: Scan): boolean {
  let words = 0
  for (;;) {
    comments(s)
    const word = s.next === '"' ? quotedString(s) : s.run((c) => isAtext(c) || (words > 0 && c === '.'))
    if (word === undefined) return words > 0
    words += 1
  }
}

/** Takes white space and comments, which may be nested. */
function comments(s: Scan): void {
  for (;;) {
    s.run((c) => c === ' ' || c === '\t')
    if (s.attempt(() => comment(s)) === undefined) return
  }
}

function comment(s: Scan): true | undefined {
  let depth = 0
  do {
    if (s.done) return undefined
    if (s.eat('(')) depth += 1
    else if (depth === 0) return undefined
    else if (s.eat(')')) depth -= 1
    else {
      s.eat('\\')
      s.at += 1
    }
  } while (depth > 0)
  return true
}

export type Reply = { readonly code: number; readonly lines: readonly string[] }

/**
 * The replies (RFC 5321 section 4.2) until something is none; `whole` if nothing else was there. A greeting of several lines may
 * change its code from 220 to a refusal, which then is the reply.
 */
export function replies(octets: string): { readonly found: readonly Reply[]; readonly whole: boolean } {
  const found: Reply[] = []
  let code = ''
  let lines: string[] = []
  for (let at = 0; at < octets.length; ) {
    const end = octets.indexOf('\r\n', at)
    if (end === -1) return { found, whole: false }
    const line = octets.slice(at, end)
    at = end + 2
    const said = line.slice(0, 3)
    const separator = line.charAt(3)
    const isCode = said.length === 3 && '2345'.includes(said.charAt(0)) && [...said].every(isDigit)
    const isLine = isCode && (separator === '' || separator === ' ' || separator === '-')
    const isOther = code !== '' && said !== code && !(code === '220' && '45'.includes(said.charAt(0)))
    if (!isLine || line.includes('\n') || line.includes('\r') || isOther) {
      return { found, whole: false }
    }
    if (said !== code) lines = []
    code = said
    lines.push(line.slice(4))
    if (separator === '-') continue
    found.push({ code: Number(code), lines })
    code = ''
    lines = []
  }
  return { found, whole: code === '' }
}

/** The content up to the line that is only a dot, without the stuffed dots (RFC 5321 section 4.5.2). Only CR LF ends a line. */
export function contentOf(wire: string): { readonly content: string; readonly rest: string } | undefined {
  let content = ''
  for (let at = 0; ; ) {
    const end = wire.indexOf('\r\n', at)
    if (end === -1) return undefined
    const line = wire.slice(at, end)
    at = end + 2
    if (line === '.') return { content, rest: wire.slice(at) }
    content += `${line.startsWith('.') ? line.slice(1) : line}\r\n`
  }
}

/** Replaces each CR, LF, CR LF and CR CR LF by CR LF. */
export function withWholeLineEnds(octets: string): string {
  let mended = ''
  for (let at = 0; at < octets.length; at += 1) {
    const c = octets.charAt(at)
    if (c !== '\r' && c !== '\n') mended += c
    else {
      mended += '\r\n'
      if (octets.startsWith('\r\r\n', at)) at += 2
      else if (octets.startsWith('\r\n', at)) at += 1
    }
  }
  return mended
}

/** Whether octets may be commands: lines that end only with CR LF, without control characters except tabs, and none too long. */
export function mayBeCommands(octets: string, longest: (line: string) => number): boolean {
  const lines = octets.split('\r\n')
  // The last line is not complete yet, and a CR at its end may be the first half of CR LF.
  const last = lines.pop() ?? ''
  lines.push(last.endsWith('\r') ? last.slice(0, -1) : last)
  return lines.every((line) => line.length <= longest(line) && [...line].every(mayBeInCommand))
}

const mayBeInCommand = (c: string): boolean => c === '\t' || (codeAt(c, 0) >= 32 && codeAt(c, 0) !== 127)
