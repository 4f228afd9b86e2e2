/** The data of a Secret: texts, which the API has in base64. Pure. */
import type { KubeObject } from './object.ts'

export const base64 = (text: string): string => Buffer.from(text, 'utf8').toString('base64')

/** Each value in base64, as it stands in the Secret; empty where it has none. */
export const dataOf = ({ data }: KubeObject): Readonly<Record<string, string>> =>
  (data as Readonly<Record<string, string>> | undefined) ?? {}

/** The text of a key; undefined where there is none. */
export function textIn(secret: KubeObject, key: string): string | undefined {
  const coded: unknown = dataOf(secret)[key]
  return typeof coded === 'string' ? Buffer.from(coded, 'base64').toString('utf8') : undefined
}

/** All texts, by their keys. */
export const textsIn = (secret: KubeObject): ReadonlyMap<string, string> =>
  new Map(Object.keys(dataOf(secret)).map((key) => [key, textIn(secret, key) ?? '']))
