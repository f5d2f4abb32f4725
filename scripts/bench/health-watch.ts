import { constants, setPriority } from 'node:os';
import { z } from 'zod';

/** A process that checks a service's health until it gets a message, and answers with the duration of each check. */

const EVERY_MS = 20;
const url = z.url().parse(process.argv[2]);
const milliseconds: number[] = [];
let isOver = false;
process.once('message', () => {
  isOver = true;
});
try {
  // It shares a core with the load, for whose turns it must not wait.
  setPriority(constants.priority.PRIORITY_HIGH);
} catch {
  // Only root may.
}
const check = () =>
  fetch(url).then(
    (answer) => answer.arrayBuffer(),
    () => undefined,
  );
// The first one also compiles.
await check();
process.send?.('ready');

while (!isOver) {
  const before = performance.now();
  await check();
  milliseconds.push(performance.now() - before);
  await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
}
process.send?.(milliseconds, () => process.disconnect());
