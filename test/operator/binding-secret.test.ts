/** A password that is made for a binding is random, well-formed, and safe to pass on a command line. */
import { expect, test } from 'vitest'
import { isPassword, newPassword } from '../../operator/binding-secret.ts'

test('no password begins with a hyphen, which a command line such as `swaks -ap $(cat $B/password)` would take for an option', () => {
  const passwords = Array.from({ length: 5000 }, newPassword)
  expect(passwords.filter((password) => password.startsWith('-'))).toEqual([])
  expect(passwords.every(isPassword)).toBe(true)
  expect(new Set(passwords).size).toBe(5000)
})
