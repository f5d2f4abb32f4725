import { asList, isObject, type Json, parseStructure, reach } from '../input/json.ts';

/** Machines that a step of a SageMaker pipeline starts, or names for something that it makes. */
export interface Machines {
  readonly step: string;
  readonly use: string;
  readonly machines: string;
}

const MACHINE = /^ml\.[a-z0-9-]+\.[a-z0-9]+$/;
const SECONDS_PER_HOUR = 3600;

const CLUSTERS = [
  { use: 'training job', path: ['ResourceConfig'] },
  { use: 'processing job', path: ['ProcessingResources', 'ClusterConfig'] },
  { use: 'batch transform job', path: ['TransformResources'] },
] as const;

/** What a model may run on one day, which starts nothing. */
const MENTIONED_ONLY = /\.Supported\w+InstanceTypes$/;

/** `{"Get": "Parameters.X"}` stands for a parameter, whose default holds unless who starts the pipeline says otherwise. */
const withDefaults = (value: Json, definition: Json): Json => {
  if (Array.isArray(value)) return value.map((item) => withDefaults(item, definition));
  if (!isObject(value)) return value;
  const get = value['Get'];
  if (typeof get === 'string' && get.startsWith('Parameters.')) {
    const parameter = asList(reach(definition, ['Parameters'])).find(
      (candidate) => reach(candidate, ['Name']) === get.slice('Parameters.'.length),
    );
    return reach(parameter, ['DefaultValue']) ?? value;
  }
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, withDefaults(item, definition)]),
  );
};

const hours = (seconds: Json | undefined): string =>
  typeof seconds === 'number' ? `, at most ${Number((seconds / SECONDS_PER_HOUR).toFixed(1))} h` : '';

const startedBy = (step: Json): readonly Omit<Machines, 'step'>[] =>
  CLUSTERS.flatMap(({ use, path }) => {
    const cluster = reach(step, ['Arguments', ...path]);
    if (cluster === undefined) return [];
    const type = reach(cluster, ['InstanceType']);
    const spot = reach(step, ['Arguments', 'EnableManagedSpotTraining']) === true ? ', spot' : '';
    const limit = hours(reach(step, ['Arguments', 'StoppingCondition', 'MaxRuntimeInSeconds']));
    const name = typeof type === 'string' ? type : '(decided when it starts)';
    return [{ use, machines: `${reach(cluster, ['InstanceCount']) ?? 1} × ${name}${spot}${limit}` }];
  });

/** The job that puts a model on an endpoint is told by its environment what the endpoint shall run on. */
const endpointOf = (step: Json): readonly Omit<Machines, 'step'>[] => {
  const environment = reach(step, ['Arguments', 'Environment']);
  const value = (key: string) => reach(environment, [key]);
  const [endpoint, type, from, to] = ['ENDPOINT_NAME', 'INSTANCE_TYPE', 'MIN_INSTANCES', 'MAX_INSTANCES'].map(
    value,
  );
  if (typeof endpoint !== 'string' || typeof type !== 'string') return [];
  const number = from === to ? `${from ?? 1}` : `${from} to ${to}`;
  return [{ use: `endpoint ${endpoint}, by the hour until it is deleted`, machines: `${number} × ${type}` }];
};

const namedIn = (value: Json | undefined, path: string): readonly (readonly [string, string])[] => {
  if (typeof value === 'string') {
    const inside = parseStructure(value);
    if (inside !== undefined) return namedIn(inside, path);
    return MACHINE.test(value) ? [[path, value]] : [];
  }
  if (Array.isArray(value)) return value.flatMap((item) => namedIn(item, path));
  if (!isObject(value)) return [];
  return Object.entries(value).flatMap(([key, item]) => namedIn(item, path ? `${path}.${key}` : key));
};

const machinesOfStep = (raw: Json): readonly Machines[] => {
  const step = String(reach(raw, ['Name']) ?? '(no name)');
  const known = [...startedBy(raw), ...endpointOf(raw)];
  const others = namedIn(reach(raw, ['Arguments']), '')
    .filter(
      ([path, machine]) =>
        !MENTIONED_ONLY.test(`.${path}`) && known.every(({ machines }) => !machines.includes(machine)),
    )
    .map(([path, machine]) => ({ use: `named in ${path}`, machines: machine }));
  return [...known, ...others].map((machines) => ({ step, ...machines }));
};

const withoutInnerSteps = (step: Json): Json =>
  isObject(step) && isObject(step['Arguments'])
    ? { ...step, Arguments: { ...step['Arguments'], IfSteps: [], ElseSteps: [] } }
    : step;

const stepsOf = (steps: Json | undefined): readonly Json[] =>
  asList(steps).flatMap((step) => [
    withoutInnerSteps(step),
    ...stepsOf(reach(step, ['Arguments', 'IfSteps'])),
    ...stepsOf(reach(step, ['Arguments', 'ElseSteps'])),
  ]);

/** @returns nothing when the definition cannot be read before the apply */
export const machinesOf = (definition: Json | undefined): readonly Machines[] | undefined => {
  const structure = typeof definition === 'string' ? parseStructure(definition) : definition;
  if (!isObject(structure)) return undefined;
  return stepsOf(structure['Steps']).flatMap((step) => machinesOfStep(withDefaults(step, structure)));
};
