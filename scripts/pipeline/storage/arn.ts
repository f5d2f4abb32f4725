/** The region and account that stand in the ARNs of this machine. */
const REGION = 'local';
const ACCOUNT = '000000000000';

/** @param resource such as `endpoint/image-classifier` */
export const localArn = (resource: string): string => `arn:aws:sagemaker:${REGION}:${ACCOUNT}:${resource}`;
