import promises from 'node:fs/promises';
import { Module, syncBuiltinESMExports } from 'node:module';
import timers from 'node:timers/promises';

/** Kills a job's process at a reproducible moment, for tests. */

/** When a process is killed. */
export type Moment =
  /** Halfway through writing the n-th file whose path contains this. */
  | { readonly writing: string; readonly times: number }
  /** When it yields to the event loop for the n-th time: after a step, or before a batch of photos. */
  | { readonly turns: number };

/** Like `kill -9`: the process does nothing more. */
const die = () => process.kill(process.pid, 'SIGKILL');

/** Counts events, and returns whether this is the n-th. */
const countdown = (times: number) => {
  let left = times;
  return (): boolean => {
    left -= 1;
    return left === 0;
  };
};

type Content = string | Uint8Array;

const whileWriting = (place: string, times: number): void => {
  const { open, writeFile } = promises;
  const isLast = countdown(times);
  const writingTo =
    (file: string, write: (content: Content) => Promise<void>) =>
    async (content: Content): Promise<void> => {
      if (!file.includes(place) || !isLast()) return write(content);
      await write(content.slice(0, content.length / 2));
      die();
    };
  Object.assign(promises, {
    writeFile: (file: string, content: Content) => writingTo(file, (part) => writeFile(file, part))(content),
    open: async (file: string, flags: string) => {
      const handle = await open(file, flags);
      const write = handle.writeFile.bind(handle);
      return Object.assign(handle, { writeFile: writingTo(file, (part) => write(part)) });
    },
  });
  syncBuiltinESMExports();
};

const afterTurns = (turns: number): void => {
  const { setImmediate } = timers;
  const isLast = countdown(turns);
  Object.assign(timers, {
    setImmediate: async () => {
      await setImmediate();
      if (isLast()) die();
    },
  });
  syncBuiltinESMExports();
};

/** Kills this process at that moment. */
export const dieAt = (moment: Moment): void => {
  if ('turns' in moment) afterTurns(moment.turns);
  else whileWriting(moment.writing, moment.times);
};

/** Prevents loading native TensorFlow, which is not deterministic. */
export const hideNativeTensorFlow = (): void => {
  const load = Module.prototype.require;
  Module.prototype.require = function require(name: string) {
    if (name.startsWith('@tensorflow/tfjs-node')) throw new Error('hidden');
    return Reflect.apply(load, this, [name]);
  };
};

/** The environment that makes a process call these first. */
export const beginningWith = (moment: Moment | undefined): NodeJS.ProcessEnv => {
  const code = `import { dieAt, hideNativeTensorFlow } from ${JSON.stringify(import.meta.url)};
    hideNativeTensorFlow();
    ${moment ? `dieAt(${JSON.stringify(moment)});` : ''}`;
  return { NODE_OPTIONS: `--import tsx --import data:text/javascript,${encodeURIComponent(code)}` };
};
