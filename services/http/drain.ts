import type { IncomingMessage, ServerResponse } from 'node:http';

/** The largest upload, and the time that a phone on a slow line gets. */
const MAX_DRAIN_BYTES = 64 * 1024 * 1024;
const MAX_DRAIN_MS = 60_000;
/** A client that sends nothing for this long has stopped. */
const STALL_MS = 10_000;
const LOOK_MS = 500;

/** Reads and drops the rest of a request that was already answered; then closes the connection if it was due to close. */
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
  // Node closes a connection after its last answer, even while data is still coming in.
  socket.destroySoon = () => {
    isLast = true;
  };
  incoming.on('end', stop);
  socket.on('close', stop);
  // A reader, such as a web stream around the request, might pause it again.
  incoming.removeAllListeners('data').resume();
};

/**
 * Makes sure that an early answer arrives: most clients read it only once they have sent everything, and never if the
 * connection is reset meanwhile (RFC 9112, 9.6).
 */
export const drainAfterAnswer = (incoming: IncomingMessage, outgoing: ServerResponse): void => {
  // Runs before Node's own listener, which closes the connection.
  outgoing.prependOnceListener('finish', () => {
    if (!incoming.complete) drain(incoming);
  });
};
