import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { ECRClient } from '@aws-sdk/client-ecr';
import { ECSClient } from '@aws-sdk/client-ecs';
import { z } from 'zod';
import { configuration } from '../../stacks/config/schema.ts';
import { resourceNames } from '../../stacks/names.ts';
import { imagesToSeed } from './images-to-seed.ts';
import { AwsError, startAws } from './testing.ts';

const config = configuration.parse({ account: '123456789012' });
const names = resourceNames(config);
const REGISTRY = '123456789012.dkr.ecr.ap-northeast-2.amazonaws.com';
const serviceInput = z.object({ services: z.tuple([z.string()]) });

/** An account with these images, and these images running in services. */
const needed = async (t: TestContext, images: string[], running: Record<string, string>) => {
  const { client } = await startAws(t, {
    DescribeImages: ({ repositoryName }) => {
      if (!images.includes(`${repositoryName}:initial`))
        throw new AwsError(
          images.length === 0 ? 'RepositoryNotFoundException' : 'ImageNotFoundException',
          'not there',
        );
      return { imageDetails: [{}] };
    },
    DescribeServices: (input) => {
      if (Object.keys(running).length === 0) throw new AwsError('ClusterNotFoundException', 'no cluster');
      const [service] = serviceInput.parse(input).services;
      return { services: running[service] ? [{ status: 'ACTIVE', taskDefinition: service }] : [] };
    },
    DescribeTaskDefinition: ({ taskDefinition }) => {
      const service = String(taskDefinition);
      const name = service.replace('-service', '');
      return { taskDefinition: { containerDefinitions: [{ name, image: running[service] }] } };
    },
  });
  const clients = { ecr: new ECRClient(client), ecs: new ECSClient(client) };
  const builds = await imagesToSeed(clients, config, names, () => {});
  return builds.filter(({ project }) => project !== names.learning.delivery.build);
};

const web = { image: { repository: 'app-web', tag: 'initial' }, project: 'appWebBuild' };
const was = { image: { repository: 'app-was', tag: 'initial' }, project: 'appWasBuild' };

test('an empty account needs the images of both services', async (t) => {
  assert.deepEqual(await needed(t, [], {}), [web, was]);
});

test('an image that is in its registry is not needed', async (t) => {
  assert.deepEqual(await needed(t, ['app-web:initial'], {}), [was]);
});

test('the first image of a service that its pipeline has taken over is not needed', async (t) => {
  const images = ['app-other:initial'];
  const running = {
    'app-web-service': `${REGISTRY}/app-web:0123abc`,
    'app-was-service': `${REGISTRY}/app-was:initial`,
  };
  assert.deepEqual(await needed(t, images, running), [was]);
});
