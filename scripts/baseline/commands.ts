import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { devNull, tmpdir } from 'node:os';
import path from 'node:path';
import sharp from 'sharp';

/** Commands of this project as processes, what they write, and pictures from a seed. It knows no module of the project. */

const started = Date.now();
export const say = (text: string): void =>
  void process.stdout.write(`${String(Math.round((Date.now() - started) / 1000)).padStart(4)} s  ${text}\n`);

export const ROOT = process.cwd();
export const WORK = realpathSync(mkdtempSync(path.join(tmpdir(), 'bloomstack-baseline-')));

const running = new Set<ChildProcess>();
const kill = ({ pid }: ChildProcess, signal: NodeJS.Signals): void => {
  try {
    if (pid !== undefined) process.kill(-pid, signal);
  } catch {
    // It has ended meanwhile.
  }
};
process.on('exit', () => {
  for (const child of running) kill(child, 'SIGKILL');
  rmSync(WORK, { recursive: true, force: true });
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));

/** Where native TensorFlow is installed, it is hidden: its last bits are others. */
const WITHOUT_NATIVE = `const modules = require('node:module');
const resolve = modules._resolveFilename;
modules._resolveFilename = function (request, ...others) {
  if (!/^@tensorflow\\/tfjs-node(-gpu)?$/.test(request)) return resolve.call(this, request, ...others);
  throw Object.assign(new Error("Cannot find module '" + request + "'"), { code: 'MODULE_NOT_FOUND' });
};
`;
const hook = path.join(WORK, 'without-native.cjs');
writeFileSync(hook, WITHOUT_NATIVE);

/** What somebody may have set for this project, AWS or npm must not change what is written. */
const FOREIGN =
  /^(AWS|BLOOMSTACK|CDKTF|npm|SM|SAGEMAKER)_|^(FORCE_COLOR|HOST|INIT_CWD|LOG_LEVEL|MODEL_DIR|NODE_OPTIONS|PORT|REQUIRE|VERSION|WAS_URL)$|_(DIR|PORT|NAME)$/;
const KEPT = /^(TERRAFORM_BINARY_NAME|TF_PLUGIN_CACHE_DIR|XDG_\w+)$/;

const ENVIRONMENT: Readonly<Record<string, string | undefined>> = {
  ...Object.fromEntries(
    Object.entries(process.env).filter(([name]) => KEPT.test(name) || !FOREIGN.test(name)),
  ),
  AWS_CONFIG_FILE: devNull,
  AWS_SHARED_CREDENTIALS_FILE: devNull,
  AWS_EC2_METADATA_DISABLED: 'true',
  AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
  BUILD_DIR: path.join(WORK, 'build'),
  CHECKPOINT_DISABLE: '1',
  LANG: 'C.UTF-8',
  LC_ALL: 'C.UTF-8',
  NODE_OPTIONS: `--require=${hook}`,
  NO_COLOR: '1',
  NO_UPDATE_NOTIFIER: '1',
  TZ: 'UTC',
};

/** Text without what differs from run to run: folders, ports, ids of requests and processes. */
export const masked = (text: string): string =>
  text
    .replaceAll(WORK, '<work>')
    .replaceAll(ROOT, '<root>')
    .replaceAll(/\b(127\.0\.0\.1|localhost):\d+/g, '$1:<port>')
    .replaceAll(/\b[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}\b/g, '<id>')
    .replaceAll(/\bprocess \d+/g, 'process <pid>')
    .replaceAll(/"(time|pid|hostname)":("[^"]*"|\d+)/g, '"$1":"<$1>"');

/** A command that has no npm script is found where its file may lie. */
const fileOf = (name: string): string => {
  const places = [`scripts/${name}.ts`, `scripts/${name}/main.ts`];
  return places.find((place) => existsSync(path.join(ROOT, place))) ?? `scripts/${name}.ts`;
};

/** A running command line, such as `npm run -s plan`; `entry NAME` is a command without an npm script. */
export class Command {
  stdout = '';
  stderr = '';
  readonly #child: ChildProcess;
  readonly #line: string;
  readonly exited: Promise<number | undefined>;

  constructor(line: string, environment: Readonly<Record<string, string>> = {}) {
    this.#line = line;
    const parts = line.split(' ').flatMap((part, at, all) => {
      if (part === 'entry' && at === 0) return ['node', '--import', 'tsx'];
      return at === 1 && all[0] === 'entry' ? [fileOf(part)] : [part];
    });
    const [program = '', ...parameters] = parts;
    const child = spawn(program, parameters, {
      cwd: ROOT,
      env: { ...ENVIRONMENT, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    this.#child = child;
    running.add(child);
    child.stdout.setEncoding('utf8').on('data', (text: string) => (this.stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
    this.exited = new Promise((resolve) => {
      child.once('error', (error) => {
        this.stderr += `${error.message}\n`;
        running.delete(child);
        resolve(undefined);
      });
      child.once('close', (code, signal) => {
        running.delete(child);
        if (signal) this.stderr += `${signal}\n`;
        resolve(code ?? undefined);
      });
    });
  }

  /** Resolves once it has written that, or something else has come true. @throws Error when it ends before */
  async until(pattern: RegExp, orElse: () => Promise<boolean> = async () => false): Promise<void> {
    let ended = false;
    void this.exited.then(() => (ended = true));
    while (!pattern.test(this.stdout) && !(await orElse())) {
      if (ended) throw new Error(`${this.#line} has ended:\n${this.stdout}${this.stderr}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  signal(name: NodeJS.Signals): void {
    kill(this.#child, name);
  }

  /** What it was, how it ended and what it wrote. */
  async report(): Promise<string> {
    const code = await this.exited;
    return masked(`$ ${this.#line}\nexit ${code}\n\n--- stdout\n${this.stdout}\n--- stderr\n${this.stderr}`);
  }
}

export const run = async (line: string, environment?: Readonly<Record<string, string>>): Promise<Command> => {
  const command = new Command(line, environment);
  await command.exited;
  return command;
};

export const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });

export const write = (file: string, content: string | Uint8Array): void => {
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, content);
};

export const pretty = (value: unknown): string => `${JSON.stringify(value, undefined, 2)}\n`;

/** Numbers from 0 up to 1, always the same ones (mulberry32). */
export const seeded = (seed: number) => {
  let state = seed;
  return (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
};

/** A picture that no other is like: seven discs of about this hue, in degrees, before a dark ground. */
export const drawing = (random: () => number, hue: number, width: number, height: number) => {
  const discs = Array.from({ length: 7 }, () => {
    const [x, y, radius] = [random() * width, random() * height, (0.1 + random() * 0.2) * height];
    const colour = `hsl(${(hue + random() * 50).toFixed(0)} ${(50 + random() * 50).toFixed(0)}% ${(35 + random() * 40).toFixed(0)}%)`;
    return `<circle cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="${radius.toFixed(1)}" fill="${colour}"/>`;
  });
  return sharp(
    Buffer.from(
      `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"><rect width="${width}" height="${height}" fill="#345"/>${discs.join('')}</svg>`,
    ),
  ).removeAlpha();
};
