import type { Configuration } from '../../stacks/config/schema.ts';
import { FOLDERS, inputPrefix } from '../../stacks/learning/folders.ts';
import type { Names } from '../../stacks/names.ts';

/** What a person does after a deployment: push code, and train a model. */
export const nextSteps = ({ region, source }: Configuration, names: Names): string => {
  const repositories = [names.web, names.was, names.learning].map(({ delivery }) => delivery.source);
  const push =
    source.provider === 'github'
      ? [`A push to ${source.branch} of ${source.repository} is built and deployed.`]
      : [
          'A push to CodeCommit is built and deployed (see docs/deploying.md for access):',
          ...repositories.map(
            (name) =>
              `  git remote add ${name} https://git-codecommit.${region}.amazonaws.com/v1/repos/${name}`,
          ),
          ...repositories.map((name) => `  git push ${name} HEAD:${source.branch}`),
        ];
  const { pipelines, endpoint } = names.learning;
  return [
    ...push,
    `Photos are answered once a model is on the endpoint ${endpoint}. Train one and put it there; without the first`,
    'command, which fetches a pretrained network to build on, it starts from random weights:',
    `  node --import tsx scripts/fetch-backbone.ts --to ${inputPrefix(names.buckets.dataset, FOLDERS.pretrained)}`,
    `  aws s3 sync path/to/photos ${inputPrefix(names.buckets.dataset, FOLDERS.photos)} --region ${region}`,
    `  aws sagemaker start-pipeline-execution --pipeline-name ${pipelines.deploy} --region ${region}`,
  ].join('\n');
};
