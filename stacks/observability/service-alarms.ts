import type { Construct } from 'constructs';
import type { Names } from '../names.ts';
import type { LoadBalancedService } from '../service/load-balanced-service.ts';
import { Alarm, type AlarmProps } from './alarm.ts';
import type { AlarmTopic } from './alarm-topic.ts';

const LOAD_BALANCING = 'AWS/ApplicationELB';
const ERRORS_PER_MINUTE = 5;
const LATENCY_LIMIT_SECONDS = 2;
/** Autoscaling aims at 70; this much means that it cannot keep up. */
const CPU_LIMIT_PERCENT = 90;

/** Watches one service: its answers, their time, its tasks' health and their CPU. */
export const watchService = (
  scope: Construct,
  label: 'web' | 'was',
  { names, topic, service }: { names: Names; topic: AlarmTopic; service: LoadBalancedService },
): readonly Alarm[] => {
  const { alb, targetGroup } = service.loadBalancer;
  const balancer = { LoadBalancer: alb.arnSuffix };
  const group = { ...balancer, TargetGroup: targetGroup.arnSuffix };
  const tasks = { ClusterName: names.cluster, ServiceName: service.name };
  const logs = `See the log group ${names[label].logGroup}.`;
  const watch = (what: string, props: Omit<AlarmProps, 'topic' | 'name'>) =>
    new Alarm(scope, `${label}-${what}`, { topic, name: names.alarm(`${label}-${what}`), ...props });
  const metric = (metricName: string, dimensions: Record<string, string>, statistic: string) => ({
    namespace: LOAD_BALANCING,
    metricName,
    dimensions,
    statistic,
  });
  return [
    watch('errors', {
      description: `${service.name} answers with 5xx. ${logs}`,
      metric: metric('HTTPCode_Target_5XX_Count', group, 'Sum'),
      above: ERRORS_PER_MINUTE,
      minutes: 3,
    }),
    watch('unanswered', {
      description: `The load balancer of ${service.name} answers 5xx itself: no task is there, or none in time.`,
      metric: metric('HTTPCode_ELB_5XX_Count', balancer, 'Sum'),
      above: ERRORS_PER_MINUTE,
      minutes: 3,
    }),
    watch('latency', {
      description: `One answer in twenty of ${service.name} takes more than ${LATENCY_LIMIT_SECONDS} s. ${logs}`,
      metric: metric('TargetResponseTime', group, 'p95'),
      above: LATENCY_LIMIT_SECONDS,
      minutes: 5,
    }),
    watch('unhealthy', {
      description: `A task of ${service.name} does not answer GET /health. ${logs}`,
      metric: metric('UnHealthyHostCount', group, 'Maximum'),
      above: 0,
      minutes: 3,
    }),
    watch('cpu', {
      description: `The tasks of ${service.name} are at their limit. Raise maxTasks, or give a task more CPU.`,
      metric: {
        namespace: 'AWS/ECS',
        metricName: 'CPUUtilization',
        dimensions: tasks,
        statistic: 'Average',
      },
      above: CPU_LIMIT_PERCENT,
      minutes: 10,
    }),
  ];
};
