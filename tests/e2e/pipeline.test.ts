import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import sharp from 'sharp';
import { definitionFromTerraform } from '../../scripts/pipeline/definition-source.ts';
import { answerSchema, modelSchema } from '../../services/contract.ts';
import type { Definition } from '../../stacks/learning/pipeline-schema.ts';
import { FREE_PORTS, launch } from '../launch.ts';
import { temporaryFolder } from '../temporary-folder.ts';

const work = temporaryFolder({ after });
/** Its own files, whatever a person's machine has. */
const ENVIRONMENT = { BUILD_DIR: path.join(work, 'build'), FLOWERS_DIR: '' };

const startPipeline = (parameters: readonly string[], more: Record<string, string> = {}) =>
  launch('scripts/pipeline/main.ts', parameters, { ...ENVIRONMENT, ...more });

const ended = async ({ end, output }: ReturnType<typeof launch>) => ({ code: await end(), output: output() });
const pipeline = (...parameters: string[]) => ended(startPipeline(parameters));
const modelCommand = (...parameters: string[]) =>
  ended(launch('scripts/model/main.ts', parameters, ENVIRONMENT));

/** A shape of a colour for each class; no two photos are equal. */
const draw = (hue: number, index: number) =>
  sharp(
    Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64">
      <rect width="64" height="64" fill="#456"/>
      <circle cx="${20 + index}" cy="32" r="18" fill="hsl(${hue} 80% 50%)"/></svg>`),
  )
    .png()
    .toBuffer();

/** A folder of labelled photos: how many of each class. */
const photos = async (name: string, counts: Readonly<Record<string, number>>): Promise<string> => {
  const folder = path.join(work, name);
  const classes = Object.entries(counts);
  for (const [number, [label, count]] of classes.entries()) {
    mkdirSync(path.join(folder, label), { recursive: true });
    for (let index = 0; index < count; index++)
      writeFileSync(
        path.join(folder, label, `${index}.png`),
        await draw((360 / classes.length) * number + index, index),
      );
  }
  return folder;
};

/** The words of a dataset. */
const CATALOGUE =
  '{"model":{"title":{"ko":"색깔"}},"classes":{"red":{"ko":{"name":"빨강","description":"앵두 색입니다."}}}}';

const definitionFile = (name: string) => path.join(work, `${name}.json`);

/** The Terraform's definition, with a network so small that training takes seconds. */
const readDefinition = async (approval: string): Promise<Definition> => {
  process.env['BLOOMSTACK_LEARNING_APPROVAL'] = approval;
  const { definition } = await definitionFromTerraform('deploy', path.join(work, 'new/synth'));
  delete process.env['BLOOMSTACK_LEARNING_APPROVAL'];
  for (const step of definition.Steps)
    if (step.Type === 'Training')
      Object.assign(step.Arguments.HyperParameters, { stem: '4', blocks: '6,8', 'first-side': '32' });
  return definition;
};

before(async () => {
  const deploy = await readDefinition('automatic');
  const definitions = {
    deploy,
    manual: await readDefinition('manual'),
    train: { ...deploy, Steps: deploy.Steps.slice(0, 1) },
  };
  for (const [name, definition] of Object.entries(definitions))
    writeFileSync(definitionFile(name), JSON.stringify(definition));
});

describe('with the system running', () => {
  let system: ReturnType<typeof launch>;
  let web: string;
  let deployed: string;

  before(async () => {
    system = launch('scripts/start.ts', [], { ...ENVIRONMENT, ...FREE_PORTS, MODEL_DIR: '' });
    web = await system.until(/Ready: open (\S+)/);
  });
  after(() => system.end('SIGINT'));

  const ask = async () => {
    const body = new FormData();
    body.append('file', new File([new Uint8Array(await draw(10, 5))], 'photo.png'));
    const response = await fetch(`${web}/classify/image`, { method: 'POST', body });
    return answerSchema.parse(await response.json()).result;
  };

  /** Trains on photos for an epoch, and puts the model on the endpoint. */
  const deploy = async (
    name: string,
    counts: Readonly<Record<string, number>>,
    definition = 'deploy',
    minAccuracy = '0',
  ) =>
    pipeline(
      ...['--data', await photos(name, counts), '--definition', definitionFile(definition)],
      ...['--epochs', '1', `--MinAccuracy=${minAccuracy}`],
    );
  const deployedBy = (output: string): string =>
    /answers with model (\d+) from now on/.exec(output)?.[1] ?? assert.fail(output);
  const answering = async () => (await ask()).model.version;
  const title = async () => modelSchema.parse(await (await fetch(`${web}/v1/model`)).json()).title?.ko;

  test('photos become a model that is measured, registered, and answers in place of the one before', async () => {
    const before = await answering();
    mkdirSync(path.join(work, 'three/red'), { recursive: true });
    writeFileSync(path.join(work, 'three/red/broken.jpg'), 'not a photo');
    writeFileSync(path.join(work, 'three/catalogue.json'), CATALOGUE);
    const { code, output } = await deploy('three', { red: 10, green: 10, blue: 3 });
    assert.equal(code, 0, output);
    deployed = deployedBy(output);
    assert.notEqual(deployed, before);
    const { model, predictions } = await ask();
    assert.equal(model.version, deployed);
    assert.deepEqual(new Set(predictions.map(({ names }) => names.ko)), new Set(['빨강', 'Green', 'Blue']));
    assert.equal(await title(), '색깔');

    assert.match(output, /REQUIRE_GPU is false/);
    assert.match(output, /Evaluate Succeeded after .*: Model \d+ classifies \d of 3 test photos correctly/);
    assert.match(output, /Train Executing: Epoch 1 of 1 took .* training:loss \d\.\d{3}/);
    const shown = await modelCommand('show', '1');
    assert.match(shown.output, /^Status +Approved\n(.*\n)*Accuracy +[\d.]+ %/m);
  });

  test('a model is rolled back: the previous one answers again, and can be replaced again', async () => {
    const { output } = await deploy('other', { round: 8, blue: 8 });
    assert.equal(await answering(), deployedBy(output));
    assert.equal(await title(), undefined);
    const list = await modelCommand('list');
    assert.match(
      list.output,
      /^2 +Approved +[\d.]+ % .* in service\n1 +Approved +[\d.]+ % (?!.*in service)/m,
    );
    assert.match((await modelCommand('rollback')).output, /now serves model version 1,/);
    assert.equal(await answering(), deployed);
    assert.equal(await title(), '색깔');
    const shown = await modelCommand('show', '1');
    assert.match(shown.output, /^In service +yes\n(.*\n)*TrainData +s3:\/\/this-machine/m);
  });

  test('a model that waits for approval is deployed once it has it', async () => {
    const { code, output } = await deploy('pending', { one: 8, two: 8 }, 'manual');
    assert.equal(code, 0, output);
    assert.equal(await answering(), deployed);
    const refused = await modelCommand('deploy', '3');
    assert.equal(refused.code, 1);
    assert.match(refused.output, /Version 3 is PendingManualApproval\. Approve it/);
    assert.match((await modelCommand('approve', '3')).output, /now serves model version 3,/);
    assert.notEqual(await answering(), deployed);
  });

  test('a model that is not good enough is rejected, and the one before stays', async () => {
    const before = await answering();
    const classes = Array.from({ length: 10 }, (_, index) => [`class_${index}`, 4] as const);
    const { code, output } = await deploy('ten', Object.fromEntries(classes), 'deploy', '1');
    assert.equal(code, 1, output);
    assert.match(
      output,
      /RejectModel failed: The model is not deployed: it is right on \d+ of 10 test photos, a share of [\d.]+, and MinAccuracy is 1\. The model served so far stays\./,
    );
    assert.match(output, /^ {2}DeployEndpoint +NotRun$/m);
    assert.equal(await answering(), before);
  });
});

test('Ctrl-C stops a training, which resumes from its checkpoint', async () => {
  const data = await photos('two', { red: 12, blue: 12 });
  const train = ['--definition', definitionFile('train'), '--epochs', '3', '--batch-size', '4'];
  const started = startPipeline(['--data', data, ...train]);
  await started.until(/Train Executing: Epoch 1 of 3 took/);
  assert.equal(await started.end('SIGINT'), 130, started.output());
  assert.match(started.output(), /^Train +Stopped/m);
  const { code, output } = await pipeline('--resume');
  assert.equal(code, 0, output);
  assert.match(output, /Resuming from a checkpoint/);
  const again = await pipeline('--resume');
  assert.match(again.output, /has succeeded and cannot be resumed/);
  assert.equal(again.code, 1);
});

test('killed while the definition is read, it leaves nothing behind, and can be resumed', async () => {
  const data = await photos('killed', { red: 12, blue: 12 });
  const temporary = path.join(work, 'temporary');
  mkdirSync(temporary);
  const more = { TMPDIR: temporary };
  const started = startPipeline(['--data', data, '--pipeline', 'train'], more);
  await started.until(/Reading the pipeline's definition/);
  await started.end('SIGKILL');
  const left = readdirSync(temporary).filter((name) => !name.startsWith('tsx-'));
  assert.deepEqual(left, []);

  const resumed = startPipeline(['--resume'], more);
  await resumed.until(/Train Executing/);
  assert.equal(await resumed.end('SIGINT'), 130);
  assert.match(resumed.output(), /TrainData {6}s3:\/\/this-machine\/\w{12}\/TrainData\//);
  assert.match(resumed.output(), /The execution was stopped\. Resume it with: npm run pipeline -- --resume/);
});
