import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { SageMakerClient } from '@aws-sdk/client-sagemaker';
import { emptyStudio } from './studio-cleanup.ts';
import { AwsError, type Operations, QUICKLY, startAws } from './testing.ts';

interface App {
  AppName: string;
  AppType: string;
  Status: string;
  SpaceName?: string;
  UserProfileName?: string;
}

/** A Studio domain whose deletions take one look. */
const studio = (apps: App[], spaces: { SpaceName: string; Status: string }[]) => {
  const operations: Operations = {
    ListApps: () => {
      const listed = structuredClone(apps);
      for (const app of apps) if (app.Status === 'Deleting') app.Status = 'Deleted';
      return { Apps: listed };
    },
    DeleteApp: (input) => {
      const app = apps.find(({ AppName }) => AppName === input['AppName']);
      if (app?.Status === 'Failed') throw new AwsError('ValidationException', 'cannot delete a failed app');
      if (!app || app.SpaceName !== input['SpaceName'] || app.UserProfileName !== input['UserProfileName'])
        throw new AwsError('ResourceNotFound', 'no such app');
      app.Status = 'Deleting';
    },
    ListSpaces: () => {
      const listed = structuredClone(spaces);
      for (const space of spaces.splice(0)) if (space.Status !== 'Deleting') spaces.push(space);
      return { Spaces: listed };
    },
    DeleteSpace: (input) => {
      if (apps.some(({ SpaceName, Status }) => SpaceName === input['SpaceName'] && Status !== 'Deleted'))
        throw new AwsError('ResourceInUse', 'the space has apps');
      const space = spaces.find(({ SpaceName }) => SpaceName === input['SpaceName']);
      if (space) space.Status = 'Deleting';
    },
  };
  return operations;
};

const empty = async (t: TestContext, operations: Operations) => {
  const { client, calls } = await startAws(t, operations);
  const reports: string[] = [];
  const found = await emptyStudio(new SageMakerClient(client), 'd-1', QUICKLY, (status) =>
    reports.push(status),
  );
  return { found, reports, called: calls.map(({ operation }) => operation) };
};

test('apps are deleted first, then the spaces that they ran in', async (t) => {
  const { found, reports } = await empty(
    t,
    studio(
      [
        { AppName: 'lab', AppType: 'JupyterLab', Status: 'InService', SpaceName: 'kim' },
        { AppName: 'canvas', AppType: 'Canvas', Status: 'InService', UserProfileName: 'lee' },
        { AppName: 'old', AppType: 'JupyterLab', Status: 'Failed', SpaceName: 'x' },
        { AppName: 'gone', AppType: 'JupyterLab', Status: 'Deleted', SpaceName: 'y' },
      ],
      [{ SpaceName: 'kim', Status: 'InService' }],
    ),
  );
  assert.deepEqual(found, { apps: 2, spaces: 1 });
  assert.deepEqual(reports, ['Studio: 2 apps are being deleted', 'Studio: 1 spaces are being deleted']);
});

test('an empty domain is left as it is', async (t) => {
  const { found, called } = await empty(t, studio([], []));
  assert.deepEqual(found, { apps: 0, spaces: 0 });
  assert.ok(!called.some((operation) => operation.startsWith('Delete')));
});
