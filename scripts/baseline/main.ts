import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import path from 'node:path';
import { z } from 'zod';
import { writeAnswers } from './answers.ts';
import { Command, drawing, masked, pretty, ROOT, run, say, seeded, WORK, write } from './commands.ts';
import { sha256 } from './http.ts';

/**
 * Writes what must stay equal while the project is restructured: Terraform and reviews, texts of commands, answers of
 * services, bytes of models. It asks by npm scripts, HTTP and files only, so that it runs on every shape of the project.
 */

const PARTS = ['stacks', 'calls', 'answers', 'trainings'] as const;
type Part = (typeof PARTS)[number];

const USAGE = `Usage: npm run baseline -- DIR [PART ...]

Writes what must stay equal while the project is restructured into DIR, to be compared: diff -r DIR ANOTHER
Parts: ${PARTS.join(', ')} (all)
`;

const here = (file: string): string => readFileSync(new URL(file, import.meta.url), 'utf8');

const callSchema = z.object({
  run: z.string().default('npm run -s plan -- --offline'),
  env: z.record(z.string(), z.string()).default({}),
  /** `context.bloomstack` of cdktf.json. */
  context: z.unknown().optional(),
});

const environmentOf = ({ env, context }: z.infer<typeof callSchema>): Record<string, string> => ({
  CDKTF_CONTEXT_JSON: JSON.stringify(context === undefined ? {} : { bloomstack: context }),
  ...env,
});

const terraformRuns = async (): Promise<boolean> =>
  (await (await run(`${process.env['TERRAFORM_BINARY_NAME'] ?? 'terraform'} version`)).exited) === 0;

const resourcesSchema = z.object({ resource: z.record(z.string(), z.record(z.string(), z.unknown())) });

const writeStacks = async (out: string): Promise<void> => {
  const [state] = readdirSync(ROOT).filter((name) => name.endsWith('.tfstate'));
  if (state !== undefined) throw new Error(`The reviews would compare with ${state}: move it away.`);
  cpSync('docs/reviews', path.join(out, 'reviews/docs'), { recursive: true });
  const canPlan = await terraformRuns();
  if (!canPlan) write(path.join(out, 'reviews/not-written.txt'), 'Terraform is not on this machine.\n');
  for (const [name, call] of Object.entries(
    z.record(z.string(), callSchema).parse(JSON.parse(here('configurations.json'))),
  )) {
    say(`stacks: ${name}`);
    const folder = path.join(WORK, 'synth', name);
    const synth = await run('npm run -s synth', { ...environmentOf(call), CDKTF_OUTDIR: folder });
    if ((await synth.exited) !== 0) throw new Error(await synth.report());
    const [stack = ''] = readdirSync(path.join(folder, 'stacks'));
    const json: unknown = JSON.parse(readFileSync(path.join(folder, 'stacks', stack, 'cdk.tf.json'), 'utf8'));
    write(path.join(out, 'stacks', name, 'cdk.tf.json'), masked(pretty(json)));
    const addresses = Object.entries(resourcesSchema.parse(json).resource).flatMap(([type, names]) =>
      Object.keys(names).map((each) => `${type}.${each}`),
    );
    write(path.join(out, 'stacks', name, 'addresses.txt'), `${addresses.sort().join('\n')}\n`);
    if (!canPlan) continue;
    say(`stacks: ${name}, its review`);
    const plan = await run(call.run, environmentOf(call));
    write(path.join(out, 'reviews', `${name}.txt`), await plan.report());
    const review = `cdktf.out/review-${stack}.md`;
    if ((await plan.exited) === 0) write(path.join(out, 'reviews', `${name}.md`), readFileSync(review));
  }
};

const writeCalls = async (out: string): Promise<void> => {
  const docs = await run('entry configuration-docs');
  write(path.join(out, 'docs/configuration.md'), docs.stdout);
  for (const [group, calls] of Object.entries(
    z.record(z.string(), z.record(z.string(), callSchema)).parse(JSON.parse(here('calls.json'))),
  )) {
    say(`calls: ${group}`);
    for (const [name, call] of Object.entries(calls))
      write(
        path.join(out, 'calls', group, `${name.replaceAll(/\W+/g, '-')}.txt`),
        await (await run(call.run, environmentOf(call))).report(),
      );
  }
};

const backbonesSchema = z.record(z.string(), z.record(z.string(), z.base64()));

/** Photos of three flowers that there are not, and two networks of random weights. */
const prepareTrainings = async (): Promise<string> => {
  const folder = path.join(WORK, 'trainings');
  const random = seeded(7);
  for (const [name, hue] of Object.entries({ blue: 200, cyan: 180, green: 160 }))
    for (let index = 0; index < 24; index++)
      write(
        path.join(folder, 'photos', name, `${index}.png`),
        await drawing(random, hue, 64 + index, 64)
          .png()
          .toBuffer(),
      );
  write(path.join(folder, 'photos/blue/broken.jpg'), 'not a photo');
  for (const [name, files] of Object.entries(backbonesSchema.parse(JSON.parse(here('backbones.json')))))
    for (const [file, base64] of Object.entries(files))
      write(path.join(folder, name, file), Buffer.from(base64, 'base64'));
  // A teacher sees the photos in the size that the model is given.
  const graph = readFileSync(path.join(folder, 'graph/model.json'), 'utf8');
  cpSync(path.join(folder, 'graph'), path.join(folder, 'teacher'), { recursive: true });
  write(path.join(folder, 'teacher/model.json'), graph.replaceAll('"size":"32"', '"size":"224"'));
  return folder;
};

const withoutTimes = (text: string): string =>
  masked(text)
    .replaceAll(/("(?:seconds|photosPerSecond)": )[\d.e-]+/g, '$1"<time>"')
    .replaceAll(/\d+ (seconds|minutes) on /g, '<time> on ')
    .replaceAll(/\([\d,.]+ photos a second\)/g, '(<speed>)')
    .replaceAll(/\((\d+ (s|min)[ ,]*)+left\)/g, '(<time>)');

const filesBelow = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, path: older, name }) => path.relative(folder, path.join(parentPath ?? older, name)))
    .sort();

/** What a training has left: its report to read, and checksums of all of it. */
const writeTrained = async (out: string, folder: string, training: Command): Promise<void> => {
  write(path.join(out, 'output.txt'), withoutTimes(await training.report()));
  if (!existsSync(folder)) return;
  const sums = filesBelow(folder)
    // The archive has the model's time in it.
    .filter((file) => !file.endsWith('.tar.gz'))
    .map((file) => {
      const content = readFileSync(path.join(folder, file));
      const text = /\.(json|md|svg)$/.test(file) ? withoutTimes(String(content)) : undefined;
      if (text !== undefined && !file.endsWith('.svg')) write(path.join(out, file), text);
      return `${sha256(text ?? content)}  ${file}\n`;
    });
  write(path.join(out, 'sha256.txt'), sums.join(''));
};

const writeTrainings = async (out: string): Promise<void> => {
  const folder = await prepareTrainings();
  const at = (...names: string[]): string => path.join(folder, ...names);
  const common = `npm run -s train -- --data ${at('photos')} --features ${at('features')} --epochs 2 --batch-size 16 --version 7 --seed 3 --test 0.17 --validation 0.3`;
  const given = process.env['BACKBONE_DIR'];
  const kinds: Readonly<Record<string, string>> = {
    whole: '',
    'with-teacher': ` --teacher ${at('teacher')}`,
    'head-on-graph': ` --backbone ${at('graph')} --balanced`,
    'head-on-layers': ` --backbone ${at('layers')} --patience 5`,
    ...(given && { 'head-on-backbone-dir': ` --backbone ${path.resolve(given)}` }),
  };
  for (const [name, options] of Object.entries(kinds)) {
    say(`trainings: ${name}`);
    const training = await run(`${common}${options} --out ${at(name)}`);
    await writeTrained(path.join(out, name), at(name), training);
  }
  say('trainings: whole, interrupted after an epoch and resumed');
  const line = `${common} --out ${at('resumed')}`;
  const interrupted = new Command(line);
  await interrupted.until(/Epoch 1 of 2/);
  interrupted.signal('SIGINT');
  await interrupted.exited;
  if (existsSync(at('resumed', 'metrics.json')))
    throw new Error(`The training was not interrupted:\n${await interrupted.report()}`);
  const resumed = await run(line);
  // Where it was interrupted is as it happens.
  resumed.stdout = resumed.stdout.replace(/(Going on from a checkpoint), after .*/, '$1, after <steps>');
  await writeTrained(path.join(out, 'resumed'), at('resumed'), resumed);
};

const WRITERS: Readonly<Record<Part, (out: string) => Promise<void>>> = {
  stacks: writeStacks,
  calls: writeCalls,
  answers: (out) => writeAnswers(path.join(out, 'answers')),
  trainings: (out) => writeTrainings(path.join(out, 'trainings')),
};

/** The longest first; each part is written by one process after the other, so what runs beside it changes nothing. */
const ORDER: readonly Part[] = ['trainings', 'stacks', 'calls', 'answers'];

const [directory = '', ...wanted] = process.argv.slice(2);
if (directory === '--help') process.stdout.write(USAGE);
else if (directory === '' || directory.startsWith('-') || wanted.some((part) => !(part in WRITERS))) {
  process.stderr.write(USAGE);
  process.exitCode = 1;
} else if (existsSync(directory) && readdirSync(directory).length > 0) {
  process.stderr.write(`${directory} is not empty. Give a folder that is new.\n`);
  process.exitCode = 1;
} else {
  mkdirSync(directory, { recursive: true });
  const parts = ORDER.filter((part) => wanted.length === 0 || wanted.includes(part));
  const next = async (): Promise<void> => {
    for (let part = parts.shift(); part !== undefined; part = parts.shift()) await WRITERS[part](directory);
  };
  await Promise.all([next(), ...(cpus().length > 1 ? [next()] : [])]);
  say(`Wrote ${directory}.`);
}
process.exit();
