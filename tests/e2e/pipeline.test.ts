import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import sharp from 'sharp';
import { z } from 'zod';
import { definitionFromTerraform } from '../../scripts/pipeline/definition-source.ts';
import { answerSchema } from '../../services/contract.ts';
import type { Definition } from '../../stacks/learning/pipeline-schema.ts';
import { FREE_PORTS, launch } from '../launch.ts';

const work = mkdtempSync(path.join(tmpdir(), 'bloomstack-pipeline-'));
/** Its own files, whatever a person's machine has. */
const ENVIRONMENT = { BUILD_DIR: path.join(work, 'build'), FLOWERS_DIR: '' };

const startPipeline = (parameters: readonly string[], more: Record<string, string> = {}) =>
  launch('scripts/pipeline/main.ts', parameters, { ...ENVIRONMENT, ...more });

const pipeline = async (...parameters: string[]) => {
  const { end, output } = startPipeline(parameters);
  return { code: await end(), output: output() };
};

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

/** The Terraform's definition with a network so small that training takes seconds; and its first step alone. */
let definition: string;
let trainOnly: string;
/** With `learning.approval` of `manual`. */
let manual: string;
/** One whose second step fails whatever the first has done. */
let broken: string;
before(async () => {
  const terraform = (await definitionFromTerraform('deploy', path.join(work, 'new/synth'))).definition;
  const small = { stem: '4', blocks: '6,8', 'first-side': '32' };
  const Steps = terraform.Steps.map((step) =>
    step.Type === 'Training'
      ? {
          ...step,
          Arguments: { ...step.Arguments, HyperParameters: { ...step.Arguments.HyperParameters, ...small } },
        }
      : step,
  );
  const write = (name: string, steps: Definition['Steps']): string => {
    writeFileSync(path.join(work, name), JSON.stringify({ ...terraform, Steps: steps }));
    return path.join(work, name);
  };
  definition = write('deploy.json', Steps);
  process.env['BLOOMSTACK_LEARNING_APPROVAL'] = 'manual';
  const { definition: approved } = await definitionFromTerraform('deploy', path.join(work, 'synth'));
  delete process.env['BLOOMSTACK_LEARNING_APPROVAL'];
  manual = write('manual.json', [...Steps.slice(0, 2), ...approved.Steps.slice(2)]);
  trainOnly = write('train.json', Steps.slice(0, 1));
  broken = write(
    'broken.json',
    Steps.slice(0, 2).map((step) =>
      step.Type === 'Processing'
        ? {
            ...step,
            Arguments: {
              ...step.Arguments,
              AppSpecification: { ...step.Arguments.AppSpecification, ContainerArguments: ['nonsense'] },
            },
          }
        : step,
    ),
  );
});
after(() => rmSync(work, { recursive: true }));

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

  test('photos become a model that is measured, registered, and answers in place of the one before', async () => {
    const before = (await ask()).model.version;
    const data = await photos('three', { red: 10, green: 10, blue: 3 });
    writeFileSync(path.join(data, 'red', 'broken.jpg'), 'not a photo');
    const { code, output } = await pipeline(
      ...['--data', data, '--definition', definition, '--epochs', '1', '--min-accuracy', '0'],
    );
    assert.equal(code, 0, output);
    deployed = /answers with model (\d+) from now on/.exec(output)?.[1] ?? assert.fail(output);
    assert.notEqual(deployed, before);
    const { model, predictions } = await ask();
    assert.equal(model.version, deployed);
    assert.deepEqual(new Set(predictions.map(({ label }) => label)), new Set(['red', 'green', 'blue']));

    assert.match(output, /REQUIRE_GPU is false/);
    const jobs = path.join(work, 'build/pipeline/jobs');
    const evaluation = readdirSync(jobs).find((name) => name.includes('-Evaluate-')) ?? assert.fail(output);
    const message = readFileSync(path.join(jobs, evaluation, 'opt/ml/output/message'), 'utf8');
    assert.match(message, /^Model \d+ classifies \d of 3 test photos correctly/);
    assert.match(output, /Train Executing: Epoch 1 of 1 took .* training:loss \d\.\d{3}/);
    const [group = ''] = readdirSync(path.join(work, 'build/pipeline/registry/model-packages'));
    const registered = path.join(work, 'build/pipeline/registry/model-packages', group, '1');
    const { ModelApprovalStatus } = z
      .object({ ModelApprovalStatus: z.string() })
      .parse(JSON.parse(readFileSync(path.join(registered, 'model-package.json'), 'utf8')));
    assert.equal(ModelApprovalStatus, 'Approved');
    assert.match(readFileSync(path.join(registered, 'model-quality.json'), 'utf8'), /"accuracy"/);
  });

  const model = async (...parameters: string[]) => {
    const { end, output } = launch('scripts/model/main.ts', parameters, ENVIRONMENT);
    assert.equal(await end(), 0, output());
    return output();
  };

  test('a model is taken back: the one before answers again, and can be replaced once more', async () => {
    const data = await photos('other', { round: 8, blue: 8 });
    const { output } = await pipeline(
      ...['--data', data, '--definition', definition, '--epochs', '1', '--min-accuracy', '0'],
    );
    const second = /answers with model (\d+) from now on/.exec(output)?.[1] ?? assert.fail(output);
    assert.equal((await ask()).model.version, second);
    assert.match(await model('list'), /^2 +Approved +[\d.]+ % .* answers\n1 +Approved +[\d.]+ % [^a]*$/m);
    assert.match(await model('rollback'), /now serves model version 1,/);
    assert.equal((await ask()).model.version, deployed);
    assert.match(await model('show', '1'), /^Answers +yes\n(.*\n)*TrainData +s3:\/\/this-machine/m);
  });

  test('a model that waits for approval is deployed once it has it', async () => {
    const data = await photos('pending', { one: 8, two: 8 });
    const before = (await ask()).model.version;
    const { code, output } = await pipeline(
      ...['--data', data, '--definition', manual, '--epochs', '1', '--min-accuracy', '0'],
    );
    assert.equal(code, 0, output);
    assert.equal((await ask()).model.version, before);
    const { end, output: refusal } = launch('scripts/model/main.ts', ['deploy', '3'], ENVIRONMENT);
    assert.equal(await end(), 1);
    assert.match(refusal(), /Version 3 is PendingManualApproval\. Approve it/);
    assert.match(await model('approve', '3'), /now serves model version 3,/);
    deployed = (await ask()).model.version;
    assert.notEqual(deployed, before);
  });

  test('a model that is not good enough is rejected, and the one before stays', async () => {
    const names = Array.from({ length: 10 }, (_, index) => [`class_${index}`, 4] as const);
    const { code, output } = await pipeline(
      ...['--data', await photos('ten', Object.fromEntries(names)), '--definition', definition],
      ...['--epochs', '1', '--MinAccuracy=1'],
    );
    assert.equal(code, 1, output);
    assert.match(
      output,
      /RejectModel failed: The model is not deployed: it is right on \d+ of 10 test photos, a share of [\d.]+, and MinAccuracy is 1\. The model served so far stays\./,
    );
    assert.match(output, /^ {2}DeployEndpoint +NotRun$/m);
    assert.equal((await ask()).model.version, deployed);
  });
});

test('Ctrl-C stops a training, which resumes from its checkpoint', async () => {
  const data = await photos('two', { red: 12, blue: 12 });
  const started = startPipeline([
    ...['--data', data, '--definition', trainOnly, '--epochs', '3', '--batch-size', '4'],
  ]);
  await started.until(/Train Executing: Epoch 1 of 3 took/);
  assert.equal(await started.end('SIGINT'), 130, started.output());
  assert.match(started.output(), /^Train +Stopped/m);
  const { code, output } = await pipeline('--resume');
  assert.equal(code, 0, output);
  assert.match(output, /Resuming from a checkpoint/);
  const again = await pipeline('--resume');
  assert.match(again.output, /has succeeded: nothing is left of it to resume/);
  assert.equal(again.code, 1);
});

test('a training that is done is not done again when a later step has failed', async () => {
  const data = await photos('done', { red: 12, blue: 12 });
  const failed = await pipeline('--data', data, '--definition', broken, '--epochs', '1');
  assert.match(failed.output, /Evaluate failed: Exit code 1: /);
  assert.match(failed.output, /^What is done is kept\. .* npm run pipeline -- --resume$/m);
  assert.match((await pipeline('--resume')).output, /Train Succeeded after 0 s: as before/);
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
  assert.match(resumed.output(), /It was stopped\. Resume it: npm run pipeline -- --resume/);
});

test('a class without photos fails the training, with advice', async () => {
  const data = await photos('hollow', { red: 10, blue: 10, empty: 0 });
  const { code, output } = await pipeline('--data', data, '--definition', trainOnly);
  assert.equal(code, 1);
  assert.match(
    output,
    /Train failed: The channel train cannot be used\. The dataset s3:\/\/this-machine\/\w{12}\/TrainData /,
  );
  assert.match(output, /Train failed: .*without usable photos: empty\..*take the folders away/);
  assert.doesNotMatch(output, /--resume/);
});

test('a wrong call says what is wrong', async () => {
  const calls: [parameters: string[], expected: RegExp][] = [
    [['--data', path.join(work, 'nowhere')], /There is nothing at .*nowhere, to which --data/],
    [
      ['--TrainData=s3://photos/flowers/', '--definition', trainOnly, '--Epochs=3'],
      /no parameter Epochs\. It has TrainData, /,
    ],
    [[], /Usage: npm run pipeline/],
  ];
  for (const [parameters, expected] of calls) {
    const { code, output } = await pipeline(...parameters);
    assert.equal(code, 1);
    assert.match(output, expected);
  }
});
