import { CodePipelineClient } from '@aws-sdk/client-codepipeline';
import { ECSClient } from '@aws-sdk/client-ecs';
import { ElasticLoadBalancingV2Client } from '@aws-sdk/client-elastic-load-balancing-v2';
import { IAMClient } from '@aws-sdk/client-iam';
import { S3Client } from '@aws-sdk/client-s3';
import { SageMakerClient } from '@aws-sdk/client-sagemaker';

/** Clients of the emulated account, as any other user of AWS has them. */
export const clientsOf = (endpoint: string, region: string) => {
  const settings = {
    endpoint,
    region,
    credentials: { accessKeyId: 'emulator', secretAccessKey: 'emulator' },
    maxAttempts: 1,
  };
  return {
    balancing: new ElasticLoadBalancingV2Client(settings),
    codePipeline: new CodePipelineClient(settings),
    ecs: new ECSClient(settings),
    iam: new IAMClient(settings),
    s3: new S3Client({ ...settings, forcePathStyle: true }),
    sageMaker: new SageMakerClient(settings),
  };
};

export type Account = ReturnType<typeof clientsOf>;
