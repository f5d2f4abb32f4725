import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';

export interface TerraformOptions {
  /** Path or name of the executable. */
  readonly binary: string;
  /** Folder of the configuration. */
  readonly directory: string;
  readonly environment: NodeJS.ProcessEnv;
}

/** Terraform has been asked to stop, and has stopped in order. */
export class Interrupted extends Error {
  constructor() {
    super('Stopped, as asked. The state is saved; the same command goes on from there.');
    this.name = 'Interrupted';
  }
}

const STOPPING = [
  '\nTerraform finishes what it is doing and saves the state; that can take minutes.\n',
  'Still stopping. Ending Terraform by force would lose what it has just created.\n',
] as const;

/** Runs Terraform in one folder. Its state survives Ctrl-C. */
export class Terraform {
  readonly #options: TerraformOptions;

  constructor(options: TerraformOptions) {
    this.#options = options;
  }

  get directory(): string {
    return this.#options.directory;
  }

  /**
   * Runs a command to its end.
   *
   * @returns what it printed
   * @throws Error with Terraform's own words
   */
  async run(...args: string[]): Promise<string> {
    const lines: string[] = [];
    const { exitCode, errors } = await this.follow(args, (line) => lines.push(line));
    if (exitCode === 0) return lines.join('\n');
    throw new Error(`terraform ${args.join(' ')} failed.\n${[errors, ...lines].join('\n').trim()}`);
  }

  /**
   * Runs a command and hands on every line that it prints.
   *
   * @returns its exit code and what it wrote to standard error
   * @throws Interrupted when it was stopped by a signal to this process
   */
  async follow(
    args: readonly string[],
    onLine: (line: string) => void,
  ): Promise<{ exitCode: number; errors: string }> {
    const { binary, directory, environment } = this.#options;
    const child = spawn(binary, args, {
      cwd: directory,
      env: { ...environment, CHECKPOINT_DISABLE: '1', TF_IN_AUTOMATION: '1', TF_INPUT: '0' },
      stdio: ['ignore', 'pipe', 'pipe'],
      // A terminal sends Ctrl-C to everything in the foreground, npm sends it again, and a second one makes Terraform
      // drop its state. In a group of its own it hears of it once, from here.
      detached: true,
    });
    let signals = 0;
    const interrupt = () => {
      process.stderr.write(STOPPING[Math.min(signals, 1)] ?? '');
      if (signals++ === 0) child.kill('SIGINT');
    };
    const watched = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
    for (const signal of watched) process.on(signal, interrupt);
    try {
      const exit = new Promise<number>((resolve, reject) => {
        child.once('error', reject);
        child.once('close', (code) => resolve(code ?? 1));
      });
      const errors = text(child.stderr);
      const reading = (async () => {
        for await (const line of createInterface({ input: child.stdout })) onLine(line);
      })();
      const [exitCode, errorText] = await Promise.all([exit, errors, reading]);
      if (signals > 0) throw new Interrupted();
      return { exitCode, errors: errorText };
    } finally {
      for (const signal of watched) process.off(signal, interrupt);
    }
  }
}
