import assert from 'node:assert/strict';
import { test } from 'node:test';
import { summarizeReview, unfinishedResources } from './review-plan.ts';

test('a summary is the title, the totals and the warnings of a review', () => {
  const review = '# Plan\n\n3 changes.\n\n## ⚠ STOP: 1 thing\n\n- a bucket\n\n## Changed\n\n- a topic\n';
  assert.equal(summarizeReview(review), '# Plan\n\n3 changes.\n\n## ⚠ STOP: 1 thing\n\n- a bucket');
  assert.equal(summarizeReview('# Plan\n\nNo changes.\n'), '# Plan\n\nNo changes.');
});

test('what an earlier run has half created is distinguished from what is replaced for other reasons', () => {
  const change = (address: string, reason?: string) => ({
    address,
    change: { actions: ['delete', 'create'] },
    ...(reason !== undefined && { action_reason: reason }),
  });
  const plan = {
    format_version: '1.2',
    resource_changes: [
      change('aws_s3_bucket.half-made', 'replace_because_tainted'),
      change('aws_s3_bucket.renamed', 'replace_because_cannot_update'),
      change('aws_s3_bucket.new'),
    ],
  };
  assert.deepEqual(unfinishedResources(plan), ['aws_s3_bucket.half-made']);
  assert.deepEqual(unfinishedResources({ format_version: '1.2' }), []);
});
