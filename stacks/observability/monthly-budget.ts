import { BudgetsBudget } from '@cdktf/provider-aws/lib/budgets-budget/index.js';
import { Construct } from 'constructs';
import type { AlarmTopic } from './alarm-topic.ts';

export interface MonthlyBudgetProps {
  readonly name: string;
  readonly usd: number;
  readonly topic: AlarmTopic;
}

const WARNINGS = [
  { notificationType: 'ACTUAL', threshold: 80 },
  { notificationType: 'FORECASTED', threshold: 100 },
];

/**
 * Warns before the account costs more than expected. It counts the whole account: costs by tag are only known once
 * somebody has switched that tag on in the billing console.
 */
export class MonthlyBudget extends Construct {
  constructor(scope: Construct, id: string, { name, usd, topic }: MonthlyBudgetProps) {
    super(scope, id);
    new BudgetsBudget(this, 'Resource', {
      name,
      budgetType: 'COST',
      timeUnit: 'MONTHLY',
      limitAmount: String(usd),
      limitUnit: 'USD',
      notification: WARNINGS.map((warning) => ({
        ...warning,
        comparisonOperator: 'GREATER_THAN',
        thresholdType: 'PERCENTAGE',
        subscriberSnsTopicArns: [topic.topic.arn],
      })),
      dependsOn: [topic.policy],
    });
  }
}
