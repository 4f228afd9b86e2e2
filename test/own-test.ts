/** What a test has opened is closed when that very test ends, also where several run at the same time. */
import { AsyncLocalStorage } from 'node:async_hooks'
import { aroundEach, type TestContext, onTestFinished as whenLastBegunEnds } from 'vitest'

const running = new AsyncLocalStorage<TestContext>()

// The test runner loads this file before each file of tests.
aroundEach((runTest, { task }) => running.run(task.context, runTest))

/** As that of Vitest, which is for the test that began last: of several at the same time, any other one. */
export const onTestFinished: typeof whenLastBegunEnds = (close, timeoutMs) =>
  (running.getStore()?.onTestFinished ?? whenLastBegunEnds)(close, timeoutMs)
