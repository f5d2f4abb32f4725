import type { IncomingMessage, ServerResponse } from 'node:http';

/** The largest upload, and what a phone on a slow line sends of one. */
const MAX_DRAIN_BYTES = 64 * 1024 * 1024;
const MAX_DRAIN_MS = 60_000;
/** A client that sends nothing for this long has stopped. */
const STALL_MS = 10_000;
const LOOK_MS = 500;

/** Reads and drops what still comes of a request that was answered; then the connection ends, if it was to. */
const drain = (incoming: IncomingMessage): void => {
  const { socket } = incoming;
  const destroySoon = socket.destroySoon.bind(socket);
  const began = { at: performance.now(), bytes: socket.bytesRead };
  let latest = began;
  let isLast = false;
  const stop = () => {
    clearInterval(watch);
    incoming.off('end', stop);
    socket.off('close', stop).destroySoon = destroySoon;
    if (isLast) destroySoon();
  };
  const watch = setInterval(() => {
    const now = { at: performance.now(), bytes: socket.bytesRead };
    if (now.bytes > latest.bytes) latest = now;
    const hasStalled = now.at - latest.at > STALL_MS;
    if (hasStalled || now.at - began.at > MAX_DRAIN_MS || now.bytes - began.bytes > MAX_DRAIN_BYTES)
      socket.destroy();
  }, LOOK_MS);
  // Node closes a connection after its last answer, whatever else comes in.
  socket.destroySoon = () => {
    isLast = true;
  };
  incoming.on('end', stop);
  socket.on('close', stop);
  // Whoever began to read it may pause it again, such as a web stream around it.
  incoming.removeAllListeners('data').resume();
};

/**
 * Lets an answer arrive that comes before the end of its request: most clients read it only once they have sent all, and
 * never when the connection is reset meanwhile (RFC 9112, 9.6).
 */
export const drainAfterAnswer = (incoming: IncomingMessage, outgoing: ServerResponse): void => {
  // Before Node's own listener, which closes the connection.
  outgoing.prependOnceListener('finish', () => {
    if (!incoming.complete) drain(incoming);
  });
};
