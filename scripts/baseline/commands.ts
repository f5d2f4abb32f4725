import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { devNull, tmpdir } from 'node:os';
import path from 'node:path';
import sharp from 'sharp';

/** Runs command lines, and records what they print. */

const started = Date.now();
export const say = (text: string): void =>
  void process.stdout.write(`${String(Math.round((Date.now() - started) / 1000)).padStart(4)} s  ${text}\n`);

export const WORK = realpathSync(mkdtempSync(path.join(tmpdir(), 'bloomstack-baseline-')));

const running = new Set<Command>();
process.on('exit', () => {
  for (const command of running) command.signal('SIGKILL');
  rmSync(WORK, { recursive: true, force: true });
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));

/** Hides native TensorFlow, which rounds differently. */
const HOOK = `import { Module } from 'node:module';
const { require } = Module.prototype;
Module.prototype.require = function (name) {
  if (name.startsWith('@tensorflow/tfjs-node')) throw new Error('hidden');
  return require.call(this, name);
};`;

/** The environment without variables for AWS, npm and this project, which could change the output. */
const FOREIGN =
  /^(AWS|BLOOMSTACK|CDKTF|npm|SM)_|^(FORCE_COLOR|HOST|INIT_CWD|LOG_LEVEL|NODE_OPTIONS|PORT|VERSION|WAS_URL)$|^(?!TF_|XDG_).*_DIR$|^(WEB|WAS|ENDPOINT)_/;

const ENVIRONMENT = {
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !FOREIGN.test(name))),
  AWS_CONFIG_FILE: devNull,
  AWS_SHARED_CREDENTIALS_FILE: devNull,
  AWS_EC2_METADATA_DISABLED: 'true',
  AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
  BUILD_DIR: path.join(WORK, 'build'),
  CHECKPOINT_DISABLE: '1',
  LC_ALL: 'C.UTF-8',
  NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(HOOK)}`,
  NO_COLOR: '1',
  TZ: 'UTC',
};

/** Text without what differs between runs or moves with the code: folders, ports, ids, lines of stack traces. */
export const masked = (text: string): string =>
  text
    .replaceAll(WORK, '<work>')
    .replaceAll(process.cwd(), '<root>')
    .replaceAll(/\b(127\.0\.0\.1|localhost):\d+/g, '$1:<port>')
    .replaceAll(/\b([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|1-[0-9a-f]{8}-[0-9a-f]{24})\b/g, '<id>')
    .replaceAll(/\bprocess \d+/g, 'process <pid>')
    .replaceAll(/^ +at .*\n/gm, '');

export type Environment = Readonly<Record<string, string>>;

/** A running command, such as `npm run -s plan`. */
export class Command {
  stdout = '';
  stderr = '';
  readonly exited: Promise<number | null>;
  readonly #group: number;
  readonly #line: string;

  constructor(line: string, environment: Environment = {}) {
    this.#line = line.trim();
    const [program = '', ...parameters] = this.#line.split(' ');
    const child = spawn(program, parameters, {
      env: { ...ENVIRONMENT, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    child.stdout.setEncoding('utf8').on('data', (text: string) => (this.stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
    this.#group = -(child.pid ?? Number.NaN);
    running.add(this);
    this.exited = new Promise((resolve) => {
      child.once('error', () => resolve(null)).once('close', resolve);
    });
    void this.exited.then(() => running.delete(this));
  }

  /** Resolves once the condition is true. @throws Error if the command ends before that */
  async until(ready: () => boolean | Promise<boolean>): Promise<void> {
    while (!(await ready())) {
      if (!running.has(this)) throw new Error(await this.report());
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  signal(name: NodeJS.Signals): void {
    try {
      process.kill(this.#group, name);
    } catch {
      // It has ended meanwhile.
    }
  }

  async stop(): Promise<void> {
    this.signal('SIGINT');
    await this.exited;
  }

  /** The command, how it ended and what it printed. */
  async report(): Promise<string> {
    const code = await this.exited;
    return masked(`$ ${this.#line}\nexit ${code}\n\n--- stdout\n${this.stdout}\n--- stderr\n${this.stderr}`);
  }
}

export const run = async (line: string, environment?: Environment): Promise<Command> => {
  const command = new Command(line, environment);
  await command.exited;
  return command;
};

export const write = (file: string, content: string | Uint8Array): void => {
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, content);
};

export const pretty = (value: unknown): string => `${JSON.stringify(value, undefined, 2)}\n`;

export const checksum = (content: string | Uint8Array): string =>
  createHash('sha256').update(content).digest('hex');

/** Reproducible random numbers from 0 to 1 (Park and Miller's generator). */
export const seeded = (seed: number) => {
  let state = seed;
  return (): number => {
    state = (state * 16807) % 2147483647;
    return state / 2147483647;
  };
};

/** A unique picture: discs of about this hue, in degrees, on grey. */
export const drawing = (random: () => number, hue: number, width: number, height: number) => {
  const number = (from: number, to: number): string => (from + random() * (to - from)).toFixed(1);
  const disc = () =>
    `<circle cx="${number(0, width)}" cy="${number(0, height)}" r="${number(height / 10, height / 3)}" fill="hsl(${number(hue, hue + 50)} ${number(50, 100)}% ${number(35, 75)}%)"/>`;
  const discs = Array.from({ length: 7 }, disc);
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"><rect width="100%" height="100%" fill="#345"/>${discs.join('')}</svg>`;
  return sharp(Buffer.from(svg)).removeAlpha();
};
