import { Construct } from 'constructs';
import type { Configuration } from '../config/schema.ts';
import type { Deployment } from '../deployment.ts';
import type { Services } from '../service/load-balanced-service.ts';
import { watchEndpoint, watchService } from './alarms.ts';
import { Dashboard } from './dashboard.ts';
import { AlarmTopic, FailedPipelines, MonthlyBudget } from './notifications.ts';

interface ObservabilityProps {
  readonly deployment: Deployment;
  readonly services: Services;
  readonly settings: Pick<Configuration['observability'], 'alarmEmail' | 'monthlyBudgetUsd'>;
}

/** Alarms that notify one topic, one dashboard, a budget. */
export class Observability extends Construct {
  constructor(scope: Construct, id: string, { deployment, services, settings }: ObservabilityProps) {
    super(scope, id);
    const { names } = deployment;
    const { alarmEmail, monthlyBudgetUsd } = settings;
    const topic = new AlarmTopic(this, 'topic', { deployment, email: alarmEmail });
    const alarms = [
      ...watchService(this, 'web', { names, topic, service: services.web }),
      ...watchService(this, 'was', { names, topic, service: services.was }),
      ...watchEndpoint(this, names, topic),
    ];
    new FailedPipelines(this, 'failed', { deployment, topic });
    new Dashboard(this, 'dashboard', { deployment, services, alarms });
    if (monthlyBudgetUsd > 0)
      new MonthlyBudget(this, 'budget', { name: names.budget, usd: monthlyBudgetUsd, topic });
  }
}
