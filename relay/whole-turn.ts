/** A whole turn of the event loop: what had come for this process has been seen then. */

/** Twice, since the first time may come before sockets are read. */
export const afterWholeTurn = (then: () => void): void => void setImmediate(() => setImmediate(then))

export const wholeTurn = (): Promise<void> => new Promise(afterWholeTurn)
