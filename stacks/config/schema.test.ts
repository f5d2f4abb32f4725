import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  ProcessingInstanceType,
  ProductionVariantInstanceType,
  TrainingInstanceType,
} from '@aws-sdk/client-sagemaker';
import { GPU_FAMILIES, gpuInstanceType, instanceType } from './schema.ts';

const OLD = /^ml\.p[23](dn)?\./;
const familyOf = (type: string): string => type.split('.')[1] ?? '';

test('SageMaker trains on every GPU family that is allowed, and each size is taken', () => {
  const trained: readonly string[] = Object.values(TrainingInstanceType);
  for (const family of GPU_FAMILIES) {
    const sizes = trained.filter((type) => familyOf(type) === family);
    assert.ok(sizes.length > 0, `SageMaker has no ml.${family}`);
    for (const type of sizes) assert.ok(gpuInstanceType.safeParse(type).success, type);
  }
});

test('every instance type of processing jobs is taken, but for the retired', () => {
  for (const type of Object.values(ProcessingInstanceType))
    assert.equal(instanceType.safeParse(type).success, !OLD.test(type), type);
});

test('of the instance types that serve, those with an Arm processor are refused', () => {
  const general = Object.values(ProductionVariantInstanceType).filter((type) => /^ml\.[cmr]\d/.test(type));
  const refused = general.filter((type) => !instanceType.safeParse(type).success).map(familyOf);
  assert.deepEqual([...new Set(refused)].sort(), [
    'c6g',
    'c6gd',
    'c6gn',
    'c7g',
    'c8g',
    'm6g',
    'm6gd',
    'm8g',
    'r6g',
    'r6gd',
    'r7gd',
    'r8g',
  ]);
});
