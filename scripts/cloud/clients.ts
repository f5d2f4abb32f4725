import { CodeBuildClient } from '@aws-sdk/client-codebuild';
import { EC2Client } from '@aws-sdk/client-ec2';
import { ECRClient } from '@aws-sdk/client-ecr';
import { ECSClient } from '@aws-sdk/client-ecs';
import { S3Client } from '@aws-sdk/client-s3';
import { SageMakerClient } from '@aws-sdk/client-sagemaker';

/** Clients of one region, with the SDK's own chain of credentials. Long waits outlast a few failed requests. */
export const createClients = (region: string) => {
  const settings = { region, maxAttempts: 6 };
  return {
    codeBuild: new CodeBuildClient(settings),
    ec2: new EC2Client(settings),
    ecr: new ECRClient(settings),
    ecs: new ECSClient(settings),
    s3: new S3Client(settings),
    sageMaker: new SageMakerClient(settings),
  };
};

export type Clients = ReturnType<typeof createClients>;
