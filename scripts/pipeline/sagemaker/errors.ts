import { localArn } from '../storage/arn.ts';

/** An error in the form of AWS's JSON protocol. */
export class AwsError extends Error {
  override readonly name = 'AwsError';
  readonly type: 'ValidationException' | 'ObjectNotFoundException' | 'UnknownOperationException';

  constructor(type: AwsError['type'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.type = type;
  }
}

/*
 * SageMaker tells most errors as ValidationException; callers go by their words. Sources: SageMaker's own answers as
 * github.com/aws/amazon-sagemaker-operator-for-k8s and terraform-provider-aws match them.
 */

type Kind = 'endpoint' | 'endpoint-config' | 'model';

const WORDS: Readonly<Record<Kind, string>> = {
  endpoint: 'endpoint',
  'endpoint-config': 'endpoint configuration',
  model: 'model',
};

export const notFound = (kind: Kind, name: string): AwsError =>
  new AwsError('ValidationException', `Could not find ${WORDS[kind]} "${localArn(`${kind}/${name}`)}".`);

export const alreadyThere = (kind: Kind, name: string): AwsError =>
  new AwsError(
    'ValidationException',
    `Cannot create already existing ${WORDS[kind]} "${localArn(`${kind}/${name}`)}".`,
  );

export const inProgress = (name: string): AwsError =>
  new AwsError(
    'ValidationException',
    `Cannot update in-progress endpoint "${localArn(`endpoint/${name}`)}".`,
  );
