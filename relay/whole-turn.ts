/** A whole turn of the event loop: after it, everything that had come for this process by now has been seen. */

/** Two setImmediate in a row, since the first may come before sockets are read. */
export const afterWholeTurn = (then: () => void): void => void setImmediate(() => setImmediate(then))

export const wholeTurn = (): Promise<void> => new Promise(afterWholeTurn)
