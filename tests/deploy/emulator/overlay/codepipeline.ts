import { z } from 'zod';
import { AwsError, operation } from '../../../../scripts/aws-double/protocol.ts';
import { type Overlay, time } from './overlay.ts';

const artifacts = z.array(z.object({ name: z.string() })).optional();
const action = z.looseObject({
  name: z.string(),
  runOrder: z.int().optional(),
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

const refuse = (message: string): never => {
  throw new AwsError('InvalidStructureException', message);
};

/** CodePipeline refuses a pipeline whose actions read what no earlier action wrote. */
const check = ({ stages }: z.infer<typeof pipeline>): void => {
  const written = new Set<string>();
  for (const { actions } of stages) {
    const inOrder = [...actions].sort((a, b) => (a.runOrder ?? 1) - (b.runOrder ?? 1));
    for (const { name, inputArtifacts = [], outputArtifacts = [] } of inOrder) {
      for (const input of inputArtifacts)
        if (!written.has(input.name))
          refuse(`Action ${name} reads the artifact ${input.name}, which no earlier action writes`);
      for (const output of outputArtifacts) {
        if (written.has(output.name)) refuse(`The output artifact name ${output.name} is not unique`);
        written.add(output.name);
      }
    }
  }
};

/** Moto writes times that SDKs refuse, and takes any structure. */
export const codePipeline = (): Overlay => ({
  service: 'CodePipeline_20150709',
  operations: {
    CreatePipeline: operation(declared, (input, { send }) => {
      check(input.pipeline);
      return send('CreatePipeline', input);
    }),
    UpdatePipeline: operation(declared, (input, { send }) => {
      check(input.pipeline);
      return send('UpdatePipeline', input);
    }),
    GetPipeline: operation(z.unknown(), async (input, { send }) =>
      found.parse(await send('GetPipeline', input)),
    ),
    ListPipelines: operation(z.unknown(), async (input, { send }) =>
      list.parse(await send('ListPipelines', input)),
    ),
  },
});
