import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SageMakerClient } from '@aws-sdk/client-sagemaker';
import { deleteModelPackages } from './model-packages-cleanup.ts';
import { type Operations, startAws } from './testing.ts';

test('all registered versions of the group are deleted, from every page of the list', async (t) => {
  const versions = ['1', '2', '3'].map((number) => `arn:aws:sagemaker:…:model-package/flowers/${number}`);
  const pages: Operations = {
    ListModelPackages: (input) => {
      assert.equal(input['ModelPackageGroupName'], 'flowers');
      const from = Number(input['NextToken'] ?? 0);
      return {
        ModelPackageSummaryList: versions.slice(from, from + 2).map((arn) => ({ ModelPackageArn: arn })),
        ...(from + 2 < versions.length && { NextToken: String(from + 2) }),
      };
    },
    DeleteModelPackage: () => ({}),
  };
  const { client, calls } = await startAws(t, pages);
  assert.equal(await deleteModelPackages(new SageMakerClient(client), 'flowers'), 3);
  const deleted = calls.filter(({ operation }) => operation === 'DeleteModelPackage');
  assert.deepEqual(
    deleted.map(({ input }) => input['ModelPackageName']),
    versions,
  );
});
