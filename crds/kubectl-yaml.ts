/** YAML for kubectl and helm, which read version 1.1: a word that they take for a truth value is quoted. */
import { stringify } from 'yaml'

export const kubectlYaml = (object: unknown): string =>
  stringify(object, { lineWidth: 0, aliasDuplicateObjects: false, compat: 'yaml-1.1' })
