import type { Construct } from 'constructs';
import { ENDPOINT_VARIANT } from '../../model/contract/sagemaker-jobs.ts';
import type { Names } from '../config/names.ts';
import { Alarm } from './alarm.ts';
import type { AlarmTopic } from './alarm-topic.ts';

const LATENCY_LIMIT_MICROSECONDS = 1_000_000;
const ERRORS_PER_MINUTE = 5;

/** Names of the alarms that take a new model back while it is being rolled out. */
export const endpointAlarmNames = (names: Names) => ({
  errors: names.alarm('endpoint-errors'),
  latency: names.alarm('endpoint-latency'),
});

/** Watches the endpoint, which the learning pipeline creates; until then there is no data, and all is well. */
export const watchEndpoint = (scope: Construct, names: Names, topic: AlarmTopic): readonly Alarm[] => {
  const dimensions = { EndpointName: names.learning.endpoint, VariantName: ENDPOINT_VARIANT };
  const alarmNames = endpointAlarmNames(names);
  return [
    new Alarm(scope, 'endpoint-errors', {
      topic,
      name: alarmNames.errors,
      description: 'The model fails to answer. See the log group /aws/sagemaker/Endpoints.',
      metric: { namespace: 'AWS/SageMaker', metricName: 'Invocation5XXErrors', dimensions, statistic: 'Sum' },
      above: ERRORS_PER_MINUTE,
      minutes: 2,
    }),
    new Alarm(scope, 'endpoint-latency', {
      topic,
      name: alarmNames.latency,
      description:
        'The model needs more than a second for one photo in twenty. Larger or more machines help.',
      metric: { namespace: 'AWS/SageMaker', metricName: 'ModelLatency', dimensions, statistic: 'p95' },
      above: LATENCY_LIMIT_MICROSECONDS,
      minutes: 3,
    }),
  ];
};
