import { pluralize } from '../../model/shared/text.ts';
import type { Inventory } from './inventory.ts';
import { blocks, bold, markdownTable } from './markdown.ts';
import { chargedQuantities, type Quantities, type Quantity } from './quantities.ts';

const PERIODS: readonly (readonly [keyof Quantities, string])[] = [
  ['hour', 'charged by the hour, as long as it exists'],
  ['month', 'charged by the month'],
  ['use', 'charged by use'],
];

const compareQuantities = (before: readonly Quantity[], after: readonly Quantity[]) => {
  const amount = (quantities: readonly Quantity[], what: string) =>
    quantities.find((quantity) => quantity.what === what)?.amount ?? '0';
  const names = new Set([...after, ...before].map(({ what }) => what));
  return [...names].map((what) => ({ what, before: amount(before, what), after: amount(after, what) }));
};

/** What AWS charges for, now and after the plan: quantities, not prices. Changes are in bold. */
export const costsSection = (inventory: Inventory): string => {
  const before = chargedQuantities(inventory, (resource) => resource.before);
  const after = chargedQuantities(inventory, (resource) => resource.after);
  const periods = PERIODS.map(([period, head]) => ({
    head,
    rows: compareQuantities(before[period], after[period]),
  }));
  const changed = periods.flatMap(({ rows }) => rows).filter((row) => row.before !== row.after);
  return blocks(
    '## What costs money',
    changed.length > 0
      ? `${pluralize(changed.length, 'quantity', 'quantities')} will change.`
      : 'Nothing that is charged for changes in number or size.',
    ...periods.map(({ head, rows }) =>
      rows.length > 0
        ? markdownTable(
            [head, 'now', 'after'],
            rows.map((row) => [row.what, row.before, row.before === row.after ? row.after : bold(row.after)]),
          )
        : '',
    ),
    'These are quantities, not prices; https://calculator.aws knows the prices of the region.',
  );
};
