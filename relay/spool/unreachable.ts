/** Closes a switch that returns nothing: the compiler refuses it where a case is missing. */
export const unreachable = (value: never): never => {
  throw new Error(`unreachable: ${JSON.stringify(value)}`)
}
