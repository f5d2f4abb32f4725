import { z } from 'zod';
import { pipelineVariable } from './variables.ts';

/*
 * The part of SageMaker's requests that our definitions use. Anything else is refused, so that what runs a definition
 * need not fear that it passes over something.
 */

const text = z.union([z.string().min(1), pipelineVariable]);
const environment = z.record(z.string().regex(/^[A-Za-z_]\w*$/), z.union([z.string(), pipelineVariable]));
const roleArn = z.string().min(1);
const oneMachine = {
  InstanceType: z.string().min(1),
  InstanceCount: z.literal(1),
  VolumeSizeInGB: z.int().min(1),
};
/** Read into a folder when the job starts; every machine gets all of it. */
const prefix = {
  S3Uri: text,
  S3DataType: z.literal('S3Prefix'),
  S3DataDistributionType: z.literal('FullyReplicated'),
};

export const trainingRequest = z.strictObject({
  TrainingJobName: z.string().min(1),
  AlgorithmSpecification: z.strictObject({
    TrainingImage: text,
    TrainingInputMode: z.literal('File'),
    MetricDefinitions: z.array(
      z.strictObject({ Name: z.string().min(1).max(255), Regex: z.string().min(1).max(500) }),
    ),
  }),
  HyperParameters: z.record(z.string(), text),
  InputDataConfig: z
    .array(
      z.strictObject({
        ChannelName: z.string().regex(/^[\w.-]{1,64}$/),
        InputMode: z.literal('File'),
        DataSource: z.strictObject({ S3DataSource: z.strictObject(prefix) }),
      }),
    )
    .min(1)
    .max(20),
  OutputDataConfig: z.strictObject({ S3OutputPath: text }),
  CheckpointConfig: z.strictObject({ S3Uri: text, LocalPath: z.string().min(1) }),
  ResourceConfig: z.strictObject(oneMachine),
  EnableManagedSpotTraining: z.boolean(),
  StoppingCondition: z.strictObject({
    MaxRuntimeInSeconds: z.int().min(1),
    MaxWaitTimeInSeconds: z.int().min(1).optional(),
  }),
  EnableNetworkIsolation: z.boolean(),
  Environment: environment,
  RoleArn: roleArn,
});

export const processingRequest = z.strictObject({
  AppSpecification: z.strictObject({ ImageUri: text, ContainerArguments: z.array(text).min(1).max(100) }),
  ProcessingInputs: z
    .array(
      z.strictObject({
        InputName: z.string().min(1),
        S3Input: z.strictObject({
          ...prefix,
          LocalPath: z.string().min(1),
          S3InputMode: z.literal('File'),
        }),
      }),
    )
    .max(10)
    .optional(),
  ProcessingOutputConfig: z
    .strictObject({
      Outputs: z
        .array(
          z.strictObject({
            OutputName: z.string().min(1),
            S3Output: z.strictObject({
              S3Uri: text,
              LocalPath: z.string().min(1),
              S3UploadMode: z.literal('EndOfJob'),
            }),
          }),
        )
        .max(10),
    })
    .optional(),
  Environment: environment.optional(),
  NetworkConfig: z.strictObject({ EnableNetworkIsolation: z.boolean() }).optional(),
  ProcessingResources: z.strictObject({ ClusterConfig: z.strictObject(oneMachine) }),
  StoppingCondition: z.strictObject({ MaxRuntimeInSeconds: z.int().min(1) }),
  RoleArn: roleArn,
});

const container = z.strictObject({
  Image: z.string().min(1),
  ModelDataUrl: text,
  Environment: environment,
});

export const modelRequest = z.strictObject({
  PrimaryContainer: container,
  ExecutionRoleArn: roleArn,
  EnableNetworkIsolation: z.boolean(),
});

export const modelPackageRequest = z.strictObject({
  ModelPackageGroupName: z.string().min(1),
  ModelApprovalStatus: z.enum(['Approved', 'PendingManualApproval', 'Rejected']),
  InferenceSpecification: z.strictObject({
    Containers: z.array(container).length(1),
    SupportedContentTypes: z.array(z.string().min(1)),
    SupportedResponseMIMETypes: z.array(z.string().min(1)),
    SupportedRealtimeInferenceInstanceTypes: z.array(z.string().min(1)),
  }),
  ModelMetrics: z.strictObject({
    ModelQuality: z.strictObject({
      Statistics: z.strictObject({ ContentType: z.string().min(1), S3Uri: text }),
    }),
  }),
  CustomerMetadataProperties: z.record(z.string().min(1).max(128), text),
});
