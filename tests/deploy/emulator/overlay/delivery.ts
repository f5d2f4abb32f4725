import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { AwsError, arn, operation } from '../../../../scripts/aws-double/protocol.ts';
import { ACCOUNT, type Anything, type Overlay, time } from './overlay.ts';

const project = z.looseObject({ name: z.string() });

/** A project's name or ARN: Terraform uses the ARN as its id, and AWS accepts either. */
const nameOf = (nameOrArn: string): string => nameOrArn.slice(nameOrArn.lastIndexOf('/') + 1);

/** How often a build is seen running. */
const LOOKS = 2;

/**
 * Moto only stores part of a project, and has no updates, so projects are stored here. Builds only take time; a test
 * pushes the images.
 */
export const codeBuild = (): Overlay => {
  const projects = new Map<string, Anything>();
  const looks = new Map<string, number>();
  return {
    service: 'CodeBuild_20161006',
    operations: {
      CreateProject: operation(project, (input, { region }) => {
        const created = {
          ...{ cache: { type: 'NO_CACHE' }, badge: { badgeEnabled: false }, ...input },
          arn: arn({ region, account: ACCOUNT }, 'codebuild', `project/${input.name}`),
        };
        projects.set(input.name, created);
        return { project: created };
      }),
      UpdateProject: operation(project, (input) => {
        const name = nameOf(input.name);
        const changed = { ...projects.get(name), ...input, name };
        projects.set(name, changed);
        return { project: changed };
      }),
      BatchGetProjects: operation(z.object({ names: z.array(z.string()) }), ({ names }) => ({
        projects: names.flatMap((name) => projects.get(nameOf(name)) ?? []),
        projectsNotFound: names.filter((name) => !projects.has(nameOf(name))),
      })),
      DeleteProject: operation(project, ({ name }) => {
        projects.delete(nameOf(name));
        return {};
      }),
      ListBuildsForProject: operation(z.object({ projectName: z.string() }), ({ projectName }) => ({
        ids: [...looks.keys()].filter((id) => id.startsWith(`${projectName}:`)),
      })),
      StartBuild: operation(z.looseObject({ projectName: z.string() }), ({ projectName }) => {
        const id = `${projectName}:${randomUUID()}`;
        looks.set(id, 0);
        return { build: { id } };
      }),
      BatchGetBuilds: operation(z.object({ ids: z.array(z.string()) }), ({ ids }) => ({
        builds: ids.map((id) => {
          const seen = (looks.get(id) ?? LOOKS) + 1;
          looks.set(id, seen);
          return { id, currentPhase: 'BUILD', buildStatus: seen > LOOKS ? 'SUCCEEDED' : 'IN_PROGRESS' };
        }),
      })),
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

/** CodePipeline refuses a pipeline with an action that reads an artifact no earlier action writes. */
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

/** Moto writes times that SDKs refuse, and accepts any structure. */
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
