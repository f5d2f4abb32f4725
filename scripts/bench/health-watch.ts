import { z } from 'zod';

/** A process that checks a service's health until it gets a message, and answers with the duration of each check. */

const EVERY_MS = 20;
const url = z.url().parse(process.argv[2]);
const milliseconds: number[] = [];
let isOver = false;
process.once('message', () => {
  isOver = true;
});
process.send?.('ready');

while (!isOver) {
  const before = performance.now();
  await fetch(url).then(
    (answer) => answer.arrayBuffer(),
    () => undefined,
  );
  milliseconds.push(performance.now() - before);
  await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
}
process.send?.(milliseconds, () => process.disconnect());
