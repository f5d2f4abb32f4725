import { z } from 'zod';
import { conflict } from '../conflict.ts';
import { imageTag } from '../formats.ts';
import { gpuInstanceType, instanceType } from './instance-type.ts';

/** How the model is trained, judged and served. */
export const learning = z
  .strictObject({
    trainingInstanceType: gpuInstanceType
      .default('ml.g4dn.xlarge')
      .describe('Machine of a training job; it needs a GPU.'),
    trainingSpot: z
      .boolean()
      .default(true)
      .describe('Train on spot capacity: much cheaper; interrupted jobs resume from their checkpoint.'),
    trainingHours: z.int().min(1).max(72).default(4).describe('Hours after which a training job is stopped.'),
    processingInstanceType: instanceType
      .default('ml.m5.large')
      .describe('Machine of the evaluation and deployment jobs.'),
    endpointInstanceType: instanceType.default('ml.m5.large').describe('Machine that serves the model.'),
    endpointMinInstances: z
      .int()
      .min(1)
      .max(100)
      .default(1)
      .describe('Machines that always serve the model.'),
    endpointMaxInstances: z.int().min(1).max(100).default(2).describe('Machines that autoscaling may use.'),
    servingImage: z
      .string()
      .regex(
        /^tensorflow-inference:[\w.-]+$/,
        'give tensorflow-inference:<tag> with a tag of AWS Deep Learning Containers',
      )
      .default('tensorflow-inference:2.20-cpu-py312-amzn2023-sagemaker-v1')
      .describe('Image of TensorFlow Serving in the account of AWS Deep Learning Containers.'),
    imageTag: imageTag
      .default('initial')
      .describe('Tag of the learning image that the SageMaker pipelines run.'),
    minAccuracy: z
      .number()
      .min(0)
      .max(1)
      .default(0.9)
      .describe('Accuracy on the test photos below which a model is not deployed.'),
    studio: z.boolean().default(true).describe('A SageMaker Studio domain with one user profile.'),
  })
  .check(({ value, issues }) => {
    if (value.endpointMinInstances > value.endpointMaxInstances)
      issues.push(
        conflict({
          field: 'endpointMinInstances',
          because: ['endpointMaxInstances'],
          message: `that is above endpointMaxInstances (${value.endpointMaxInstances}), lower it or raise endpointMaxInstances`,
        }),
      );
  })
  .prefault({});
