import { z } from 'zod';
import type { DefinitionStep } from '../../../stacks/learning/pipeline-schema.ts';
import { resolve, type Scope } from './variables.ts';

type Condition = Extract<DefinitionStep, { Type: 'Condition' }>['Arguments']['Conditions'][number];

const side = (value: unknown, scope: Scope): number => {
  const parsed = z.number().safeParse(resolve(value, scope));
  if (parsed.success) return parsed.data;
  throw new Error(`${JSON.stringify(value)} is no number and cannot be compared.`);
};

/** Whether all conditions hold. */
export const holds = (conditions: readonly Condition[], scope: Scope): boolean =>
  conditions.every(({ LeftValue, RightValue }) => side(LeftValue, scope) >= side(RightValue, scope));
