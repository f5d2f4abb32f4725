import { z } from 'zod';
import { AwsError, operation } from '../../../../scripts/aws-double/protocol.ts';
import { type Anything, anything, type MotoCall, type Overlay, time } from './overlay.ts';

const place = z.looseObject({ type: z.string(), location: z.string().optional() });
const project = z.looseObject({ source: place, artifacts: place });
const change = z.looseObject({ name: z.string() });

const stored = z.looseObject({ arn: z.string() });
const phase = z.looseObject({ startTime: time.optional(), endTime: time.optional() });
const build = phase.extend({ phases: z.array(phase).optional() });

/** Terraform's id of a project is its ARN, and AWS takes either. */
const nameOf = (nameOrArn: string): string => nameOrArn.slice(nameOrArn.lastIndexOf('/') + 1);

const PLACEHOLDER = 'given-by-the-pipeline';
const located = <Place extends { type: string; location?: string | undefined }>(place: Place): Place =>
  ['CODEPIPELINE', 'NO_SOURCE'].includes(place.type) ? { ...place, location: PLACEHOLDER } : place;

/**
 * Moto demands a location even where a pipeline gives it, keeps only part of a project, knows no update and finds a
 * project to delete by name only. Here a project is what moto says, with the last request laid over it.
 */
export const codeBuild = (): Overlay => {
  const requests = new Map<string, Anything>();

  const full = (answer: unknown) => {
    const found = stored.parse(answer);
    return { ...found, ...requests.get(found.arn) };
  };
  const describe = async (names: readonly string[], { send }: MotoCall) => {
    const answer = await send('BatchGetProjects', { names: names.map(nameOf) });
    return z
      .object({ projects: z.array(stored) })
      .parse(answer)
      .projects.map(full);
  };
  const builds = async (name: string, input: unknown, { send }: MotoCall) =>
    z
      .looseObject({ build: build.optional(), builds: z.array(build).optional() })
      .parse(await send(name, input));

  return {
    service: 'CodeBuild_20161006',
    operations: {
      CreateProject: operation(project, async (input, { send }) => {
        const answer = await send('CreateProject', {
          ...input,
          source: located(input.source),
          artifacts: located(input.artifacts),
        });
        const created = z.object({ project: stored }).parse(answer).project;
        requests.set(created.arn, input);
        return { project: full(created) };
      }),
      UpdateProject: operation(change, async (input, call) => {
        const [current] = await describe([input.name], call);
        if (!current)
          throw new AwsError('ResourceNotFoundException', `Project cannot be found: ${input.name}`);
        const changed = { ...current, ...input, name: nameOf(input.name) };
        requests.set(current.arn, changed);
        return { project: changed };
      }),
      BatchGetProjects: operation(z.object({ names: z.array(z.string()) }), async ({ names }, call) => {
        const projects = await describe(names, call);
        const found = new Set(projects.map(({ arn }) => nameOf(arn)));
        return { projects, projectsNotFound: names.filter((name) => !found.has(nameOf(name))) };
      }),
      DeleteProject: operation(z.object({ name: z.string() }), async ({ name }, call) => {
        for (const { arn } of await describe([name], call)) requests.delete(arn);
        return call.send('DeleteProject', { name: nameOf(name) });
      }),
      StartBuild: operation(anything, (input, call) => builds('StartBuild', input, call)),
      BatchGetBuilds: operation(anything, (input, call) => builds('BatchGetBuilds', input, call)),
    },
  };
};

const artifacts = z.array(z.object({ name: z.string() })).optional();
const action = z.looseObject({
  name: z.string(),
  inputArtifacts: artifacts,
  outputArtifacts: artifacts,
});
const pipeline = z.looseObject({
  stages: z.array(z.looseObject({ name: z.string(), actions: z.array(action) })),
});
const declared = z.looseObject({ pipeline });

const times = { created: time, updated: time };
const found = z.looseObject({ metadata: z.looseObject(times) });
const list = z.looseObject({ pipelines: z.array(z.looseObject(times)) });

/** CodePipeline refuses a pipeline whose actions read what no earlier action wrote. */
const checkPipeline = ({ stages }: z.infer<typeof pipeline>): void => {
  const written = new Set<string>();
  for (const { actions } of stages)
    for (const { name, inputArtifacts = [], outputArtifacts = [] } of actions) {
      const unknown = inputArtifacts.find((input) => !written.has(input.name));
      if (unknown)
        throw new AwsError(
          'InvalidStructureException',
          `Action ${name} reads the artifact ${unknown.name}, which no earlier action writes`,
        );
      for (const output of outputArtifacts) written.add(output.name);
    }
};

/** Moto writes times that SDKs refuse, and takes any structure. */
export const codePipeline = (): Overlay => ({
  service: 'CodePipeline_20150709',
  operations: {
    ...Object.fromEntries(
      ['CreatePipeline', 'UpdatePipeline'].map((name) => [
        name,
        operation(declared, (input, { send }) => {
          checkPipeline(input.pipeline);
          return send(name, input);
        }),
      ]),
    ),
    GetPipeline: operation(z.unknown(), async (input, { send }) =>
      found.parse(await send('GetPipeline', input)),
    ),
    ListPipelines: operation(z.unknown(), async (input, { send }) =>
      list.parse(await send('ListPipelines', input)),
    ),
  },
});
