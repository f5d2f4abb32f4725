import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { appendFileSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { synthesizedStack } from '../synthesized-stack.ts';

/** The build of an image as CodeBuild runs it, with recorders in the place of Docker and AWS. */

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const folder = mkdtempSync(path.join(tmpdir(), 'bloomstack-build-'));
const source = path.join(folder, 'source');
const registry = path.join(folder, 'registry');
const calls = path.join(folder, 'calls');
const running = path.join(folder, 'running');
after(() => rmSync(folder, { recursive: true }));

/** Bash functions, which cost no process. An image is a file that holds its digest; tags of one build share it. */
const DOCKER = `() {
echo "docker $*" >>"${calls}"
case $1 in
  login) read -r || true ;;
  build) echo "$RANDOM$RANDOM" >"${folder}/built" ;;
  push) read -r <"${folder}/built"; echo "$REPLY" >"${registry}/\${2##*/}" ;;
esac
}`;

const AWS = `() {
echo "aws $*" >>"${calls}"
case "$1 $2" in
  'ecr describe-images')
    image="${registry}/$4:\${6#imageTag=}"
    if [ ! -f "$image" ]; then echo 'ImageNotFoundException: not there' >&2; return 254; fi
    case $8 in *MediaType) echo "\${MEDIA_TYPE}" ;; *) echo "$(<"$image")" ;; esac ;;
  'ecr batch-get-image') echo "$(<"${registry}/$4:\${6#imageTag=}")" ;;
  'ecr put-image') echo "$8" >"${registry}/$4:$6" ;;
  'ecs describe-services') echo arn:definition ;;
  'ecs describe-task-definition') echo "$(<"${running}")" ;;
esac
}`;

before(() => {
  mkdirSync(registry);
  for (const each of ['package.json', 'package-lock.json', '.npmrc', 'tsconfig.json', 'tsconfig.build.json'])
    cpSync(path.join(ROOT, each), path.join(source, each));
  const filter = (from: string) => !/node_modules|model\/default/.test(from);
  for (const each of ['services', 'model', 'stacks/images', 'stacks/delivery'])
    cpSync(path.join(ROOT, each), path.join(source, each), { recursive: true, filter });
});

const project = z.object({
  source: z.object({ buildspec: z.string() }),
  environment: z.object({
    environment_variable: z.array(z.object({ name: z.string(), value: z.string() })),
  }),
});
const specification = z.object({
  env: z.object({ 'exported-variables': z.tuple([z.literal('IMAGE_CHANGED')]) }),
  phases: z.object({ build: z.object({ commands: z.array(z.string()) }) }),
  artifacts: z.object({ files: z.tuple([z.literal('imagedefinitions.json')]) }),
});

/** Runs the build of an image, as its project in the stack has it. */
const build = (key: string, variables: Record<string, string> = {}) => {
  rmSync(calls, { force: true });
  const { source: from, environment } = project.parse(
    synthesizedStack().get(`aws_codebuild_project.delivery-${key}-build`),
  );
  const { phases } = specification.parse(JSON.parse(from.buildspec));
  const set = environment.environment_variable.map(({ name, value }) => [name, value]);
  const env = {
    PATH: process.env['PATH'],
    'BASH_FUNC_docker%%': DOCKER,
    'BASH_FUNC_aws%%': AWS,
    MEDIA_TYPE: 'application/vnd.docker.distribution.manifest.v2+json',
    ...Object.fromEntries(set),
    ...variables,
  };
  const commands = [...phases.build.commands, 'echo "changed: $IMAGE_CHANGED"'].join(' && ');
  // Bash takes Node's pipe for a network connection, where it would read the user's .bashrc.
  const { status, stdout, stderr } = spawnSync('bash', ['--norc', '-c', commands], {
    cwd: source,
    env,
    encoding: 'utf8',
  });
  const asked = readFileSync(calls, 'utf8').split('\n');
  return {
    status,
    stdout,
    stderr,
    changed: /changed: (\w+)/.exec(stdout)?.[1],
    asked,
    builds: asked.filter((call) => call.startsWith('docker build')),
    pushed: asked.flatMap(
      (call) => /^docker push .*\/(.*)$/.exec(call)?.[1]?.replace(/-[0-9a-f]{16}$/, '') ?? [],
    ),
  };
};

const KEYS = ['web', 'was', 'ml'] as const;

/** The checksums that tag the images, by the function of the script, which alone is a fraction of a build. */
const contents = (): string[] => {
  const script = `base_images=stacks/images/base-images.env
source <(sed -n '/^content() {/,/^}/p' stacks/delivery/build-image.sh)
for each in services/web services/was model; do content "$each/Dockerfile"; done`;
  const text = execFileSync('bash', ['--norc', '-ec', script], { cwd: source, encoding: 'utf8' });
  return text.trim().split('\n');
};

test('images begin with what one file names, the training image with nothing that its maker deletes: Ubuntu, and pinned wheels of what it opens', () => {
  const read = (file: string) => readFileSync(path.join(ROOT, file), 'utf8');
  const base = read('model/base.Dockerfile');
  const others = ['model', 'services/web', 'services/was'].map((each) => read(`${each}/Dockerfile`));
  const begins = [base, ...others].join('').matchAll(/^FROM (?:--platform=\S+ )?(\S+)/gm);
  const images = ['${CUDA}', '${NODE_OF_TRAINING}', '${NODE}', '${UBUNTU}'];
  assert.deepEqual([...new Set([...begins].map(([, image]) => image))].sort(), images);
  for (const [, image = ''] of read('stacks/images/base-images.env').matchAll(/^\w+=(.*)/gm))
    assert.match(image, /^public\.ecr\.aws\/docker\/library\/(node|ubuntu):/);
  const opened = [...read('model/jobs/gpu.ts').matchAll(/'lib(cu(?!da\.)\w+?)(?:Lt)?\.so/g)];
  assert.equal(opened.length, 8);
  for (const [, name = ''] of opened)
    assert.match(base, new RegExp(`nvidia-${name.replace('cudart', 'cuda-runtime')}-cu11==\\d`));
});

test('the first deployment builds each image once, under its own tag and under the one it is asked for', () => {
  const checksums = contents();
  for (const [index, key] of KEYS.entries()) {
    const first = build(key, { IMAGE_TAG: 'initial' });
    assert.equal(first.status, 0, first.stderr);
    const images = [`app-${key}:content`, `app-${key}:initial`];
    assert.deepEqual(first.pushed, key === 'ml' ? ['app-ml:base', ...images] : images);
    for (const call of first.builds) {
      assert.match(call, /--provenance=false --sbom=false/);
      assert.match(
        call,
        /--build-arg NODE=public\.ecr\.aws\/docker\/library\/node:24-\S+ .*NODE_OF\S+node:22-/,
      );
    }
    assert.match(
      readFileSync(path.join(source, 'imagedefinitions.json'), 'utf8'),
      new RegExp(
        `^\\[{"name":"app-${key}","imageUri":"123456789012.*/app-${key}:content-${checksums[index]}"}\\]$`,
      ),
    );
    const logins = first.asked.filter((call) => call.startsWith('docker login'));
    assert.deepEqual(
      logins.map((call) => call.split(' ').at(-1)),
      ['123456789012.dkr.ecr.ap-northeast-2.amazonaws.com', 'public.ecr.aws'],
    );
    // The services' scripts are the same.
    if (key === 'was') continue;
    assert.deepEqual(build(key, { IMAGE_TAG: 'again' }).builds, [], 'a tag for what is there is only added');
    writeFileSync(running, `host/app-${key}:initial`);
    const { builds, changed, stdout } = build(key);
    const isTraining = key === 'ml';
    assert.deepEqual(
      [builds, changed],
      [[], isTraining ? 'yes' : 'no'],
      'what runs as another tag is the same',
    );
    assert.equal(/TrainingImage=\S+:content-[0-9a-f]{16}, or .* learning\.imageTag/.test(stdout), isTraining);
  }
});

test('a push makes other images only of what it changes; tests and documentation are in none', () => {
  let before = contents();
  for (const [file, changed] of [
    ['services/web/public/texts.js', ['web']],
    ['services/http/app.ts', ['web', 'was']],
    ['model/photo/read-photo.ts', ['was', 'ml']],
  ] as const) {
    for (const each of [file, 'services/http/body.test.ts', 'model/photo/body.test.ts', 'README.md'])
      appendFileSync(path.join(source, each), '\n');
    const after = contents();
    assert.deepEqual(
      KEYS.filter((_, index) => before[index] !== after[index]),
      changed,
      file,
    );
    before = after;
  }
});

test('another content is built again; a training image of a kind that SageMaker refuses fails, also when it was there before', () => {
  for (const expected of [1, 0]) {
    const { status, stderr, builds } = build('ml', { MEDIA_TYPE: 'application/vnd.oci.image.index.v1+json' });
    assert.deepEqual([builds.length, status === 0], [expected, false]);
    assert.match(stderr, /pushed as application\/vnd\.oci.*SageMaker refuses/);
  }
});
