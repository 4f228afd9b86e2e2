/** The password of a binding. */
import { expect, test } from 'vitest'
import { isPassword, newPassword } from '../../operator/binding-secret.ts'

test('no command line takes a password for an option, as `swaks -ap $(cat $B/password)` does with what begins with a hyphen', () => {
  const passwords = Array.from({ length: 5000 }, newPassword)
  expect(passwords.filter((password) => password.startsWith('-'))).toEqual([])
  expect(passwords.every(isPassword)).toBe(true)
  expect(new Set(passwords).size).toBe(5000)
})
