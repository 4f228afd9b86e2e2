/** What each field says, in one line, for the reference; a field that the schema describes itself needs none here. */

export const meanings: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  RelayPolicy: {},
}
