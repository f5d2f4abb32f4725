import path from 'node:path';
import { type CommandLine, readCommandLine, USAGE } from './command-line.ts';
import { runPipeline } from './run.ts';
import { goingOn, rowOf, table } from './view.ts';

/** Runs a SageMaker pipeline of the Terraform on this machine. */

const EXIT_CODES = { Succeeded: 0, Failed: 1, Stopped: 130 } as const;

const say = (text: string): void => void process.stdout.write(`${text}\n`);

const shown = (file: string): string => path.relative(process.cwd(), file);

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stop.abort());

/** What was typed; undefined when it cannot be understood, which has then been said. */
const read = (): CommandLine | undefined => {
  try {
    return readCommandLine(process.argv.slice(2), process.env);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
    return undefined;
  }
};

const main = async (): Promise<number> => {
  const commandLine = read();
  if (!commandLine) return 1;
  if (commandLine.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  const ended = await runPipeline({ commandLine, signal: stop.signal, out: process.stdout });
  const { status, states, deployed, models, reports } = ended;
  say('');
  // A terminal shows the steps already.
  if (!process.stdout.isTTY && states.length > 0)
    for (const line of [...table([['step', 'status', 'time'], ...states.map(rowOf)]), '']) say(line);
  for (const { name, warnings = [] } of states)
    for (const warning of warnings) say(`${name} warns: ${warning}`);
  for (const { name, status: end, note } of states)
    if (end === 'Failed') say(`${name} failed: ${note ?? 'no reason is known.'}`);
  for (const model of models) say(`The model, as --initial-model takes it: ${shown(model)}`);
  for (const report of reports) say(`The report on it: ${shown(report)}`);
  const advice = goingOn(ended);
  if (advice !== undefined) say(advice);
  if (deployed)
    say(
      deployed.serving.shared
        ? `The endpoint of npm start, ${deployed.serving.url}, answers with model ${deployed.version} from now on.`
        : `npm start will answer with model ${deployed.version}.`,
    );
  return EXIT_CODES[status];
};

try {
  process.exitCode = await main();
} catch (error) {
  // Ctrl-C in a terminal reaches what makes the Terraform, too.
  if (!stop.signal.aborted)
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = stop.signal.aborted ? EXIT_CODES.Stopped : 1;
}
