import { applicationAutoscaling } from './application-autoscaling.ts';
import { codeBuild } from './codebuild.ts';
import { codePipeline } from './codepipeline.ts';
import { ecs } from './ecs.ts';
import { budgets, codeCommit } from './kept-services.ts';
import type { Overlay } from './overlay.ts';
import { sageMaker } from './sagemaker.ts';

/** Everything that moto 5.2.1 lacks for our stack, as new as a fresh AWS account. */
export const overlays = (): readonly Overlay[] => [
  applicationAutoscaling(),
  budgets(),
  codeBuild(),
  codeCommit(),
  codePipeline(),
  ecs(),
  sageMaker(),
];
