/** Where CodeBuild builds for each CPU; an image built for the other one would not start. */
export const ARCHITECTURES = {
  /** Of the services: Fargate on Graviton. */
  arm64: { type: 'ARM_CONTAINER', image: 'aws/codebuild/amazonlinux-aarch64-standard:3.0' },
  /** Of the learning image: GPU machines and the GPU build of TensorFlow know no other. */
  'x86-64': { type: 'LINUX_CONTAINER', image: 'aws/codebuild/amazonlinux-x86_64-standard:5.0' },
} as const;

export type Architecture = keyof typeof ARCHITECTURES;
