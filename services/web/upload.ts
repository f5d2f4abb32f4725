import { MAX_PHOTO_BYTES } from '../../model/photo/format.ts';
import { MAX_BODY_BYTES } from '../contract/body-limit.ts';
import { ProblemError } from '../http/problem.ts';
import { ClientGone, type Exchange } from './exchange.ts';

const MEBIBYTE = 1024 * 1024;

const tooLarge = () =>
  new ProblemError(
    'too-large',
    `The request is larger than ${Math.floor(MAX_BODY_BYTES / MEBIBYTE)} MiB, and a photo may have at most ${MAX_PHOTO_BYTES / MEBIBYTE} MiB. Send a smaller version of it: about 1600 pixels on its longer side are plenty.`,
  );

/**
 * Refuses a body by the length that its client announces, before a byte of it is read.
 *
 * @throws ProblemError `too-large`
 */
export const checkAnnouncedLength = (contentLength: string | undefined): void => {
  if (contentLength !== undefined && Number(contentLength) > MAX_BODY_BYTES) throw tooLarge();
};

/**
 * The upload on its way through: no more than one chunk is held. Counts, because a chunked body announces no
 * length, and tells the exchange whose turn it is. A body that grows too large cancels the exchange.
 */
export const passUpload = (
  source: ReadableStream<Uint8Array>,
  exchange: Exchange,
): ReadableStream<Uint8Array> => {
  const reader = source.getReader();
  let bytes = 0;
  const fail = (reason: Error): never => {
    exchange.cancel(reason);
    throw reason;
  };
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        exchange.waitForClient();
        const { done, value } = await reader
          .read()
          .catch((cause: unknown) => fail(new ClientGone('The upload broke off.', { cause })));
        exchange.waitForWas();
        if (done) return controller.close();
        bytes += value.byteLength;
        if (bytes > MAX_BODY_BYTES) fail(tooLarge());
        controller.enqueue(value);
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  );
};
