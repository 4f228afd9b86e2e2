/** Which files this process has open, among them deleted ones. */
import { readdirSync, readlinkSync } from 'node:fs'

export const openFiles = (): readonly string[] =>
  readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/self/fd/${fd}`)]
    } catch {
      // It was closed meanwhile.
      return []
    }
  })

export const openFilesIn = (directory: string): readonly string[] =>
  openFiles().filter((path) => path.startsWith(`${directory}/`))
