import { createInterface } from 'node:readline/promises';
import { Stopped } from './command.ts';

/**
 * Asks a person before something that costs or destroys.
 *
 * @param expected what the person must type
 * @throws Stopped when something else is typed, or nobody is there to ask
 */
export const confirm = async (question: string, expected: string): Promise<void> => {
  if (!process.stdin.isTTY || !process.stdout.isTTY)
    throw new Stopped(`${question}\nNobody is at this terminal to confirm it; give --yes to go on.`, 1);
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  try {
    const answer = await terminal.question(`${question} Type ${expected} to go on: `);
    if (answer.trim() !== expected) throw new Stopped('Nothing was done.', 1);
  } finally {
    terminal.close();
  }
};
