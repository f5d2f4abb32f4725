import { createModelStep } from './create-model-step.ts';
import { deployEndpointStep } from './deploy-endpoint-step.ts';
import { ACCURACY, RESULT } from './evaluate-step.ts';
import { parameter } from './parameters.ts';
import { registerModelStep } from './register-model-step.ts';
import type { PipelineSettings } from './settings.ts';
import { type ConditionStep, type FailStep, STEPS } from './steps.ts';
import { joined } from './variables.ts';

const rejectModel: FailStep = {
  Name: STEPS.rejectModel,
  Type: 'Fail',
  Arguments: {
    ErrorMessage: joined(
      '',
      'The model is not deployed: it is right on ',
      RESULT,
      ', and MinAccuracy is ',
      parameter('MinAccuracy'),
      '. Whatever model is served so far goes on serving. Add photos, train for more epochs, or start from an earlier model.',
    ),
  },
};

/** Only a model that is good enough is registered and deployed; any other fails the execution and changes nothing. */
export const checkAccuracyStep = (settings: PipelineSettings): ConditionStep => ({
  Name: STEPS.checkAccuracy,
  Type: 'Condition',
  Arguments: {
    Conditions: [{ Type: 'GreaterThanOrEqualTo', LeftValue: ACCURACY, RightValue: parameter('MinAccuracy') }],
    IfSteps: [createModelStep(settings), registerModelStep(settings), deployEndpointStep(settings)],
    ElseSteps: [rejectModel],
  },
});
