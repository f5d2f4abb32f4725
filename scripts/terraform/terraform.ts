import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { CommandError, INTERRUPTED } from '../shared/cli.ts';
import { runProcess } from '../shared/processes.ts';

/** The first version that locks a state in S3 with a file next to it. */
const OLDEST = [1, 10] as const;

const VERSION = /"terraform_version":\s*"((\d+)\.(\d+)\.[^"]*)"/;

const WHERE = `Install Terraform ${OLDEST.join('.')} or newer: https://developer.hashicorp.com/terraform/install (or name another binary in TERRAFORM_BINARY_NAME).`;

/**
 * The Terraform to run: `TERRAFORM_BINARY_NAME`, the variable of cdktf-cli, or `terraform` on the PATH.
 *
 * @throws Error if it is missing or older than 1.10
 */
export const findTerraform = async (environment: NodeJS.ProcessEnv = process.env): Promise<string> => {
  const binary = environment['TERRAFORM_BINARY_NAME'] || 'terraform';
  const { stdout } = await promisify(execFile)(binary, ['version', '-json'], {
    env: { ...environment, CHECKPOINT_DISABLE: '1' },
  }).catch((cause: unknown) => {
    throw new Error(`Terraform does not run (${binary} version). ${WHERE}`, { cause });
  });
  const [, version, major, minor] = VERSION.exec(stdout) ?? [];
  if (version === undefined)
    throw new Error(`${binary} version -json does not answer like Terraform. ${WHERE}`);
  if (Number(major) < OLDEST[0] || (Number(major) === OLDEST[0] && Number(minor) < OLDEST[1]))
    throw new Error(`${binary} is Terraform ${version}, which is too old. ${WHERE}`);
  return binary;
};

/** Messages when a command is asked to stop, and when it has stopped. */
const STOPPING = {
  changing: [
    '\nTerraform finishes what it is doing and saves the state; that can take minutes.\n',
    'Stopped. The state is saved; the same command continues from there. If something was just being created, it says how to adopt it.',
  ],
  reading: ['\nStopping.\n', 'Stopped. Nothing was changed.'],
} as const;

interface TerraformOptions {
  /** Path or name of the executable. */
  readonly binary: string;
  /** Folder of the configuration. */
  readonly directory: string;
  readonly environment: NodeJS.ProcessEnv;
}

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
   * @throws Error with Terraform's message
   */
  async run(...args: string[]): Promise<string> {
    const lines: string[] = [];
    const { exitCode, errors } = await this.follow(args, (line) => lines.push(line));
    if (exitCode === 0) return lines.join('\n');
    throw new Error(`terraform ${args.join(' ')} failed.\n${[errors, ...lines].join('\n').trim()}`);
  }

  /**
   * Runs a command and forwards every line that it prints.
   *
   * @returns its exit code and what it wrote to standard error
   * @throws CommandError if it was stopped by a signal to this process
   */
  async follow(
    args: readonly string[],
    onLine: (line: string) => void,
  ): Promise<{ exitCode: number; errors: string }> {
    const { binary, directory, environment } = this.#options;
    // A terminal sends Ctrl-C to all foreground processes and npm repeats it, but a second one makes Terraform abandon
    // its state. So Terraform only gets the one sent from here.
    const interruption = new AbortController();
    const [stopping, stopped] = STOPPING[args[0] === 'apply' ? 'changing' : 'reading'];
    const interrupt = () => {
      process.stderr.write(stopping);
      interruption.abort();
    };
    const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
    for (const signal of signals) process.on(signal, interrupt);
    const errors: string[] = [];
    try {
      const { code } = await runProcess({
        command: [binary, ...args],
        directory,
        environment: { ...environment, CHECKPOINT_DISABLE: '1', TF_IN_AUTOMATION: '1', TF_INPUT: '0' },
        onLine,
        onErrorLine: (line) => errors.push(line),
        signal: interruption.signal,
        stopSignal: 'SIGINT',
      });
      if (interruption.signal.aborted) throw new CommandError(stopped, INTERRUPTED);
      return { exitCode: code ?? 1, errors: errors.join('\n') };
    } finally {
      for (const signal of signals) process.off(signal, interrupt);
    }
  }
}
