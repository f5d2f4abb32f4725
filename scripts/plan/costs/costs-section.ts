import type { Inventory } from '../input/inventory.ts';
import { blocks, bullet, lines, paragraph, table } from '../markdown.ts';
import type { View } from './fargate.ts';
import { learningCosts } from './learning-costs.ts';
import { type Period, type Quantity, quantitiesOf } from './quantities.ts';

const BEFORE: View = ({ before }) => before;
const AFTER: View = ({ after }) => after;

const PERIODS: readonly (readonly [Period, string])[] = [
  ['hour', 'by the hour, as long as it exists'],
  ['month', 'by the month'],
  ['use', 'by use'],
];

const NONE = '0';

const rowsOf = (before: readonly Quantity[], after: readonly Quantity[], period: Period) => {
  const amountIn = (quantities: readonly Quantity[], what: string) =>
    quantities.find((quantity) => quantity.period === period && quantity.what === what)?.amount ?? NONE;
  const names = new Set(
    [...after, ...before].filter((quantity) => quantity.period === period).map(({ what }) => what),
  );
  return [...names].map((what) => ({ what, before: amountIn(before, what), after: amountIn(after, what) }));
};

/** What there will be to pay for: quantities, not prices. For a change, the difference and the total. */
export const costsSection = (inventory: Inventory): string => {
  const [before, after] = [quantitiesOf(inventory, BEFORE), quantitiesOf(inventory, AFTER)];
  const isFirst = before.length === 0;
  const tables = PERIODS.map(([period, words]) => {
    const rows = rowsOf(before, after, period);
    const changed = rows.filter((row) => row.before !== row.after);
    if (isFirst)
      return rows.length > 0
        ? table(
            [`charged ${words}`, 'how many'],
            rows.map(({ what, after }) => [what, after]),
          )
        : '';
    return changed.length > 0
      ? table(
          [`charged ${words}`, 'now', 'after'],
          changed.map((row) => [row.what, row.before, row.after]),
        )
      : '';
  });
  const totals = after
    .filter(({ period }) => period !== 'use')
    .map(({ what, amount }) => bullet(`${what}: ${amount}`));
  const unchanged = !isFirst && tables.every((each) => each === '');
  return blocks(
    '## What costs money',
    unchanged ? 'Nothing that is charged for changes in number or size.' : '',
    ...tables,
    isFirst || totals.length === 0 ? '' : blocks('In all, after this plan:', lines(...totals)),
    learningCosts(inventory),
    paragraph('These are quantities, not prices; https://calculator.aws knows the prices of the region.'),
  );
};
