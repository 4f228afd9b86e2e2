/** A whole turn of the event loop: what had come for this process has been seen then. */

/** Twice, since the first time may come before sockets are read. */
export async function wholeTurn(): Promise<void> {
  await new Promise(setImmediate)
  await new Promise(setImmediate)
}
