import {
  allSteps,
  type Definition,
  type DefinitionStep,
  referencesIn,
} from '../../../stacks/learning/pipeline-schema.ts';
import { stepOf } from './variables.ts';

/** The steps that must have succeeded before a step can run: those that it names, and those that it reads. */
export const dependenciesOf = (step: DefinitionStep): ReadonlySet<string> => {
  const own = step.Type === 'Condition' ? step.Arguments.Conditions : step.Arguments;
  const read = referencesIn(own).flatMap((reference) => stepOf(reference)?.step ?? []);
  return new Set([...(step.DependsOn ?? []), ...read]);
};

const checkSteps = (steps: readonly DefinitionStep[], outside: ReadonlySet<string>): void => {
  const known = new Set([...outside, ...steps.map(({ Name }) => Name)]);
  for (const step of steps)
    for (const name of dependenciesOf(step))
      if (!known.has(name))
        throw new Error(`The step ${step.Name} refers to ${name}, which is no step that can run before it.`);
  const order = new Map(steps.map((step) => [step.Name, dependenciesOf(step)]));
  const done = new Set(outside);
  while (order.size > 0) {
    const ready = [...order].filter(([, names]) => [...names].every((name) => done.has(name)));
    if (ready.length === 0)
      throw new Error(`The steps ${[...order.keys()].join(', ')} wait for one another.`);
    for (const [name] of ready) {
      order.delete(name);
      done.add(name);
    }
  }
  for (const step of steps)
    if (step.Type === 'Condition') {
      const { IfSteps, ElseSteps } = step.Arguments;
      for (const branch of [IfSteps, ElseSteps]) checkSteps(branch, known);
    }
};

/**
 * Checks what the schema of a definition does not: that names are used once, and that every step can run.
 *
 * @throws Error that names the steps
 */
export const checkDefinition = (definition: Definition): void => {
  const names = allSteps(definition).map(({ Name }) => Name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new Error(`Two steps have the name ${twice}.`);
  checkSteps(definition.Steps, new Set());
};
