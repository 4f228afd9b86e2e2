/** The client's first message in OAUTHBEARER (RFC 7628 section 3.1): its username and its token. Pure. */

/**
 * `gs2-header kvsep *kvpair kvsep`, where kvsep is ^A. Channel binding is not offered, so a client may not ask for it (`p=`). The
 * authorization identity (`a=`, RFC 5801 section 4) is optional there and required here: it is the credential's username.
 */
const message = /^[ny],a=((?:[^\0\x01,=]|=2C|=3D)+),\x01((?:[A-Za-z]+=[^\0\x01]*\x01)*)\x01$/

/** RFC 6750 section 2.1; the scheme in any case (RFC 9110 section 11.1). */
const authorization = /^bearer +([A-Za-z0-9._~+/-]+=*)$/i

/** Undefined where `text` is no such message, has a key twice, or no `auth=Bearer <token>`. */
export function readBearer(text: string): { readonly username: string; readonly token: string } | undefined {
  const [, name, pairs] = message.exec(text) ?? []
  if (name === undefined || pairs === undefined) return undefined
  const fields = pairs.split('\x01').slice(0, -1).map(splitPair)
  if (new Set(fields.map(([key]) => key)).size < fields.length) return undefined
  const auth = fields.find(([key]) => key === 'auth')?.[1] ?? ''
  const token = authorization.exec(auth)?.[1]
  return token === undefined ? undefined : { username: nameIn(name), token }
}

const splitPair = (pair: string): readonly [key: string, value: string] => {
  const equals = pair.indexOf('=')
  return [pair.slice(0, equals).toLowerCase(), pair.slice(equals + 1)]
}

const nameIn = (saslName: string): string => saslName.replaceAll('=2C', ',').replaceAll('=3D', '=')
