import type { StepRunner } from '../execution/step-runner.ts';
import type { LocalAws } from './environment.ts';
import { runModel, runRegisterModel } from './models.ts';
import { runProcessing } from './processing.ts';
import { runTraining } from './training.ts';

/** Carries out steps on this machine. */
export const localRunner =
  (local: LocalAws): StepRunner =>
  (step, request, context) => {
    switch (step.Type) {
      case 'Training':
        return runTraining(request, context, local);
      case 'Processing':
        return runProcessing(step, request, context, local);
      case 'Model':
        return runModel(step.Name, request, context, local);
      case 'RegisterModel':
        return runRegisterModel(request, context, local);
    }
  };
