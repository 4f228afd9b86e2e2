/** Events that could not be written are told. */
import { expect, onTestFinished, test } from 'vitest'
import { ApiError } from '../../../../operator/cluster/api/api-error.ts'
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

test('an Event that is dropped, since a thousand wait, is told with its object and that reason', async () => {
  const { recorder, lost } = recorderWith(() => Promise.reject(new Error('nobody writes')))
  for (let i = 0; i <= 1000; i++) recorder.record({ ...occasion, reason: `r${i}` })
  expect(await lost).toEqual([
    'Event r1000 of RelayCredential shop/web',
    'it was dropped, since more than 1000 Events were waiting to be written',
  ])
})
