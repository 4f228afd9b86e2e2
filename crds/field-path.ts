/** Where a field stands in an object, as a list of steps and as people write it. */

/** `['spec', 'listeners', 0, 'port']` */
export type Path = readonly (string | number)[]

const step = (at: string | number): string => {
  if (typeof at === 'number') return `[${at}]`
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(at) ? `.${at}` : `[${JSON.stringify(at)}]`
}

/** `spec.listeners[0].port` */
export const fieldOf = (path: Path): string => path.map(step).join('').replace(/^\./, '')

/** The inverse of `fieldOf`, only for a field without indices and quoted names, like `spec.routes`. */
export const pathOf = (field: string): Path => field.split('.')
