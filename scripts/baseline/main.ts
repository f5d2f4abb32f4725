import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { writeAnswers } from './answers.ts';
import backbones from './backbones.json' with { type: 'json' };
import allCalls from './calls.json' with { type: 'json' };
import {
  Command,
  checksum,
  drawing,
  type Environment,
  masked,
  pretty,
  run,
  say,
  seeded,
  WORK,
  write,
} from './commands.ts';
import configurations from './configurations.json' with { type: 'json' };

/** Writes what a refactoring must not change. Imports nothing from the project, so that it fits any structure. */

const USAGE = `Usage: npm run baseline -- DIR [PART ...]

Writes what must stay equal while the project is restructured into DIR, to be compared: diff -r DIR OTHER
  PART   stacks, calls, answers or trainings (all)
`;

interface Call {
  readonly run?: string;
  readonly env?: Environment;
  /** `context.bloomstack` of cdktf.json */
  readonly context?: unknown;
}

const PLAN = 'npm run -s plan -- --offline';

const environmentOf = ({ env, context }: Call): Environment => ({
  CDKTF_CONTEXT_JSON: JSON.stringify({ bloomstack: context }),
  ...env,
});

const writeStacks = async (out: string): Promise<void> => {
  const [state] = readdirSync('.').filter((name) => name.endsWith('.tfstate'));
  if (state !== undefined) throw new Error(`The plans would compare with ${state}. Move it away.`);
  cpSync('docs/reviews', path.join(out, 'reviews/docs'), { recursive: true });
  mkdirSync(path.join(WORK, 'synth'));
  for (const [name, call] of Object.entries<Call>(configurations)) {
    say(`stacks: ${name}`);
    const folder = path.join(WORK, 'synth', name);
    const synth = await run('npm run -s synth', { ...environmentOf(call), CDKTF_OUTDIR: folder });
    if ((await synth.exited) !== 0) throw new Error(await synth.report());
    const [stack = ''] = readdirSync(path.join(folder, 'stacks'));
    const json: { resource: Record<string, object> } = JSON.parse(
      readFileSync(path.join(folder, 'stacks', stack, 'cdk.tf.json'), 'utf8'),
    );
    write(path.join(out, 'stacks', name, 'cdk.tf.json'), masked(pretty(json)));
    const addresses = Object.entries(json.resource).flatMap(([type, names]) =>
      Object.keys(names).map((each) => `${type}.${each}\n`),
    );
    write(path.join(out, 'stacks', name, 'addresses.txt'), addresses.sort().join(''));
    const plan = await run(PLAN, environmentOf(call));
    write(path.join(out, 'reviews', `${name}.txt`), await plan.report());
    if ((await plan.exited) === 0)
      write(path.join(out, 'reviews', `${name}.md`), readFileSync(`cdktf.out/review-${stack}.md`));
  }
};

const writeCalls = async (out: string): Promise<void> => {
  const { stdout } = await run('node --import tsx scripts/configuration-docs.ts');
  write(path.join(out, 'docs/configuration.md'), stdout);
  for (const [group, calls] of Object.entries<Record<string, Call>>(allCalls)) {
    say(`calls: ${group}`);
    for (const [name, call] of Object.entries(calls)) {
      const made = await run(call.run ?? PLAN, environmentOf(call));
      write(path.join(out, 'calls', group, `${name.replaceAll(/\W+/g, '-')}.txt`), await made.report());
    }
  }
};

/** Photos of three classes that are hard to distinguish, and networks of random weights. */
const prepareTrainings = async (folder: string): Promise<void> => {
  const random = seeded(7);
  for (const [name, hue] of Object.entries({ blue: 200, cyan: 180, green: 160 }))
    for (let index = 0; index < 24; index++) {
      const photo = await drawing(random, hue, 64 + index, 64)
        .png()
        .toBuffer();
      write(path.join(folder, 'photos', name, `${index}.png`), photo);
    }
  write(path.join(folder, 'photos/blue/broken.jpg'), 'not a photo');
  for (const [name, files] of Object.entries(backbones))
    for (const [file, base64] of Object.entries(files))
      write(path.join(folder, name, file), Buffer.from(base64, 'base64'));
};

const withoutTimes = (text: string): string =>
  masked(text)
    .replaceAll(/("(?:seconds|photosPerSecond)": )[\d.e-]+/g, '$1"<measured>"')
    .replaceAll(/in \d+ (seconds|minutes) on /g, 'in <time> on ')
    .replaceAll(/\(\d+ photos a second\)/g, '(<speed>)')
    .replaceAll(/\([^()]* left\)/g, '(<time>)')
    // Where exactly it was interrupted differs between runs.
    .replaceAll(/((?:Going on|Resuming) from a checkpoint), after .*/g, '$1, <after>');

/** The output and the results of a training: its reports, and checksums of all files. */
const writeTrained = async (out: string, folder: string, training: Command): Promise<void> => {
  write(path.join(out, 'output.txt'), withoutTimes(await training.report()));
  if (!existsSync(folder)) return;
  const sums = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    // An archive contains the time of its creation.
    .filter((file) => path.extname(file) !== '' && !file.endsWith('.gz'))
    .sort()
    .map((file) => {
      const content = readFileSync(path.join(folder, file));
      if (!/\.(json|md)$/.test(file)) return `${checksum(content)}  ${file}\n`;
      const text = withoutTimes(String(content));
      write(path.join(out, file), text);
      return `${checksum(text)}  ${file}\n`;
    });
  write(path.join(out, 'sha256.txt'), sums.join(''));
};

const writeTrainings = async (out: string): Promise<void> => {
  const folder = path.join(WORK, 'trainings');
  await prepareTrainings(folder);
  const train = (name: string, options: string): string =>
    `npm run -s train -- --data ${folder}/photos --out ${folder}/${name} --features ${folder}/features --epochs 2 --batch-size 16 --version 7 --seed 3 ${options}`;
  // Enough photos for calibration; with fewer, a training takes half the time.
  const shares = '--test 0.17 --validation 0.3';
  const trainings: Readonly<Record<string, string>> = {
    whole: shares,
    'fine-tuned': `--backbone ${folder}/layers --fine-tune 1`,
    'head-on-graph': `${shares} --backbone ${folder}/graph --balanced`,
    'head-on-layers': `--backbone ${folder}/layers --patience 5`,
  };
  for (const [name, options] of Object.entries(trainings)) {
    say(`trainings: ${name}`);
    const training = await run(train(name, options));
    await writeTrained(path.join(out, name), path.join(folder, name), training);
  }
  say('trainings: one that is interrupted after an epoch, and resumed');
  const interrupted = new Command(train('resumed', ''));
  await interrupted.until(() => interrupted.stdout.includes('Epoch 1 of 2'));
  await interrupted.stop();
  const files = path.join(folder, 'resumed');
  if (existsSync(path.join(files, 'metrics.json')))
    throw new Error(`Not interrupted: ${await interrupted.report()}`);
  await writeTrained(path.join(out, 'resumed'), files, await run(train('resumed', '')));
};

const WRITERS: Readonly<Record<string, (out: string) => Promise<void>>> = {
  trainings: (out) => writeTrainings(path.join(out, 'trainings')),
  stacks: writeStacks,
  calls: writeCalls,
  answers: (out) => writeAnswers(path.join(out, 'answers')),
};

const [out = '', ...wanted] = process.argv.slice(2);
const parts = Object.entries(WRITERS).filter(([part]) => wanted.length === 0 || wanted.includes(part));
if (out === '' || out === '--help' || wanted.some((part) => !(part in WRITERS))) {
  process[out === '--help' ? 'stdout' : 'stderr'].write(USAGE);
  process.exit(out === '--help' ? 0 : 1);
}
if (existsSync(out) && readdirSync(out).length > 0)
  throw new Error(`${out} is not empty. Choose a new folder.`);
for (const [name, writePart] of parts)
  await writePart(out).catch((error: unknown) => {
    const text = masked(error instanceof Error ? error.message : String(error));
    say(`${name} is not complete: ${text}`);
    write(path.join(out, `${name}-is-not-complete.txt`), `${text}\n`);
    process.exitCode = 1;
  });
say(`Wrote ${out}.`);
process.exit();
