/** YAML for kubectl and helm, which read YAML 1.1: words that 1.1 takes for booleans (`Off`, `yes`) are quoted. */
import { stringify } from 'yaml'

export const kubectlYaml = (object: unknown): string =>
  stringify(object, { lineWidth: 0, aliasDuplicateObjects: false, compat: 'yaml-1.1' })
