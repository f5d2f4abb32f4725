import { Construct } from 'constructs';
import type { Deployment } from '../deployment.ts';
import type { LoadBalancedService } from '../service/load-balanced-service.ts';
import { watchEndpoint, watchService } from './alarms.ts';
import { Dashboard } from './dashboard.ts';
import { AlarmTopic, FailedPipelines, MonthlyBudget } from './notifications.ts';

export interface ObservabilityProps {
  readonly deployment: Deployment;
  readonly services: Readonly<Record<'web' | 'was', LoadBalancedService>>;
}

/** What tells people how the system is: alarms to one topic, one dashboard, a budget. */
export class Observability extends Construct {
  constructor(scope: Construct, id: string, { deployment, services }: ObservabilityProps) {
    super(scope, id);
    const { config, names } = deployment;
    const topic = new AlarmTopic(this, 'topic', { deployment });
    const alarms = [
      ...watchService(this, 'web', { names, topic, service: services.web }),
      ...watchService(this, 'was', { names, topic, service: services.was }),
      ...watchEndpoint(this, names, topic),
    ];
    new FailedPipelines(this, 'failed', { deployment, topic });
    new Dashboard(this, 'dashboard', { deployment, services, alarms });
    const { monthlyBudgetUsd } = config.observability;
    if (monthlyBudgetUsd > 0)
      new MonthlyBudget(this, 'budget', { name: names.budget, usd: monthlyBudgetUsd, topic });
  }
}
