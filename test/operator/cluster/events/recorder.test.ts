/** Events that could not be written are told. */
import { expect, onTestFinished, test } from 'vitest'
import { ApiError } from '../../../../operator/cluster/api/api-error.ts'
import type { KubeObject } from '../../../../operator/cluster/api/object.ts'
import { Recorder } from '../../../../operator/cluster/events/recorder.ts'
import { occasion } from './occasion.ts'

function recorderWith(answer: () => Promise<never>) {
  const lost = Promise.withResolvers<readonly [object: string, why: string]>()
  const recorder = new Recorder({
    api: { create: answer, merge: answer },
    reporter: 'test',
    lost: (object, why) => lost.resolve([object, why]),
  })
  return { recorder, lost: lost.promise }
}

test('an Event that the API server refuses is told with its object and the refusal', async () => {
  const refusal = new ApiError('refused', 'POST /apis/events.k8s.io/v1: 403 no', { code: 403 })
  const { recorder, lost } = recorderWith(() => Promise.reject(refusal))
  const ending = new AbortController()
  onTestFinished(() => ending.abort())
  void recorder.run(ending.signal)
  recorder.record(occasion)
  expect(await lost).toEqual(['Event SecretRepaired of RelayCredential shop/web', String(refusal)])
})

test('an Event that was written, and of which the answer was lost, is not told as lost', async () => {
  const refused = (code: number) => new ApiError('refused', `POST /apis/events.k8s.io/v1: ${code} no`, { code })
  const answers = [new ApiError('late', 'POST /apis/events.k8s.io/v1: no answer'), refused(409), refused(403)]
  const { recorder, lost } = recorderWith(() => Promise.reject(answers.shift()))
  const ending = new AbortController()
  onTestFinished(() => ending.abort())
  recorder.record(occasion)
  recorder.record({ ...occasion, reason: 'Other' })
  void recorder.run(ending.signal)
  expect(await lost).toEqual(['Event Other of RelayCredential shop/web', String(refused(403))])
})

test('what is left when a term ends is written in the next one, also the Event whose answer was not waited for', async () => {
  const [first, second] = [new AbortController(), new AbortController()]
  const made: string[] = []
  const lost: string[] = []
  const create = async ({ metadata, ...event }: KubeObject): Promise<KubeObject> => {
    const reason = String(event['reason'])
    if (made.includes(reason)) throw new ApiError('refused', 'POST: 409', { code: 409 })
    made.push(reason)
    if (reason === 'b') {
      first.abort()
      throw new ApiError('unreachable', 'POST: given up')
    }
    if (reason === 'd') second.abort()
    return { ...event, metadata }
  }
  const recorder = new Recorder({
    api: { create, merge: () => Promise.reject(new Error('nothing is counted')) },
    reporter: 'test',
    lost: (object) => lost.push(object),
  })
  for (const reason of ['a', 'b', 'c', 'd']) recorder.record({ ...occasion, reason })
  await recorder.run(first.signal)
  expect(made).toEqual(['a', 'b'])
  await recorder.run(second.signal)
  expect(made).toEqual(['a', 'b', 'c', 'd'])
  expect(lost).toEqual([])
})

test('an Event that is dropped, since a thousand wait, is told with its object and that reason', async () => {
  const { recorder, lost } = recorderWith(() => Promise.reject(new Error('nobody writes')))
  for (let i = 0; i <= 1000; i++) recorder.record({ ...occasion, reason: `r${i}` })
  expect(await lost).toEqual([
    'Event r1000 of RelayCredential shop/web',
    'it was dropped, since more than 1000 Events were waiting to be written',
  ])
})
