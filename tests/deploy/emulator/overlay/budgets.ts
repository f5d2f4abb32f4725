import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { ACCOUNT, type Anything, AwsError, anything, now, type Overlay, operation } from '../aws-json.ts';
import { Tags, tagList, toList, toMap } from '../tags.ts';

const budget = z.looseObject({ BudgetName: z.string(), BudgetType: z.string() });
const subscribers = z.array(z.object({ SubscriptionType: z.enum(['SNS', 'EMAIL']), Address: z.string() }));
const notified = z.object({ Notification: anything, Subscribers: subscribers.min(1).max(11) });
type Notified = z.infer<typeof notified>;

const named = z.object({ BudgetName: z.string() });
const notification = named.extend({ Notification: anything });
const resource = z.object({ ResourceARN: z.string() });

interface Budget {
  readonly details: Anything;
  readonly notifications: readonly Notified[];
}

const arnOf = (name: string) => `arn:aws:budgets::${ACCOUNT}:budget/${name}`;

/** AWS's defaults for what a request leaves out. */
const completed = (details: Anything): Anything => ({
  CalculatedSpend: { ActualSpend: { Amount: '0', Unit: 'USD' } },
  CostTypes: {
    IncludeCredit: true,
    IncludeDiscount: true,
    IncludeOtherSubscription: true,
    IncludeRecurring: true,
    IncludeRefund: true,
    IncludeSubscription: true,
    IncludeSupport: true,
    IncludeTax: true,
    IncludeUpfront: true,
    UseAmortized: false,
    UseBlended: false,
  },
  ...details,
  LastUpdatedTime: now(),
});

/** Moto knows neither tags nor subscribers of budgets, and no update: all of it is kept here. */
export const budgets = (): Overlay => {
  const all = new Map<string, Budget>();
  const tags = new Tags();
  const find = (name: string): Budget => {
    const found = all.get(name);
    if (!found) throw new AwsError('NotFoundException', `Unable to get budget: ${name} does not exist`);
    return found;
  };
  const findNotified = ({ BudgetName, Notification }: z.infer<typeof notification>): Notified => {
    const found = find(BudgetName).notifications.find((other) =>
      isDeepStrictEqual(other.Notification, Notification),
    );
    if (!found) throw new AwsError('NotFoundException', `Budget ${BudgetName} has no such notification`);
    return found;
  };
  return {
    service: 'AWSBudgetServiceGateway',
    operations: {
      CreateBudget: operation(
        z.object({
          Budget: budget,
          NotificationsWithSubscribers: z.array(notified).max(10).default([]),
          ResourceTags: tagList.default([]),
        }),
        (input) => {
          const name = input.Budget.BudgetName;
          if (all.has(name))
            throw new AwsError('DuplicateRecordException', `The budget ${name} already exists`);
          all.set(name, {
            details: completed(input.Budget),
            notifications: input.NotificationsWithSubscribers,
          });
          tags.add(arnOf(name), toMap(input.ResourceTags));
          return {};
        },
      ),
      UpdateBudget: operation(z.object({ NewBudget: budget }), ({ NewBudget }) => {
        const { notifications } = find(NewBudget.BudgetName);
        all.set(NewBudget.BudgetName, { details: completed(NewBudget), notifications });
        return {};
      }),
      DescribeBudget: operation(named, ({ BudgetName }) => ({ Budget: find(BudgetName).details })),
      DescribeBudgets: operation(z.unknown(), () => ({
        Budgets: [...all.values()].map(({ details }) => details),
      })),
      DeleteBudget: operation(named, ({ BudgetName }) => {
        find(BudgetName);
        all.delete(BudgetName);
        tags.forget(arnOf(BudgetName));
        return {};
      }),
      CreateNotification: operation(named.extend(notified.shape), ({ BudgetName, ...added }) => {
        const { details, notifications } = find(BudgetName);
        all.set(BudgetName, { details, notifications: [...notifications, added] });
        return {};
      }),
      DeleteNotification: operation(notification, (input) => {
        const removed = findNotified(input);
        const { details, notifications } = find(input.BudgetName);
        all.set(input.BudgetName, {
          details,
          notifications: notifications.filter((other) => other !== removed),
        });
        return {};
      }),
      DescribeNotificationsForBudget: operation(named, ({ BudgetName }) => ({
        Notifications: find(BudgetName).notifications.map(({ Notification }) => Notification),
      })),
      DescribeSubscribersForNotification: operation(notification, (input) => ({
        Subscribers: findNotified(input).Subscribers,
      })),
      ListTagsForResource: operation(resource, ({ ResourceARN }) => ({
        ResourceTags: toList(tags.of(ResourceARN) ?? {}),
      })),
      TagResource: operation(resource.extend({ ResourceTags: tagList }), (input) => {
        tags.add(input.ResourceARN, toMap(input.ResourceTags));
        return {};
      }),
      UntagResource: operation(resource.extend({ ResourceTagKeys: z.array(z.string()) }), (input) => {
        tags.remove(input.ResourceARN, input.ResourceTagKeys);
        return {};
      }),
    },
  };
};
