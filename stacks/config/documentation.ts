import { FIELDS, type Field } from './fields.ts';
import { loadConfiguration } from './load.ts';

/** What people may copy into the `context` of cdktf.json. */
export const EXAMPLE_CONTEXT = {
  bloomstack: {
    environment: 'dev',
    all: {
      account: '123456789012',
      bucketSuffix: 'botanical-garden',
      observability: { alarmEmail: 'ops@example.com' },
    },
    environments: {
      dev: { nameSuffix: 'dev' },
      prod: { web: { minTasks: 3, maxTasks: 12 }, network: { zones: ['a', 'b', 'c'] } },
    },
  },
};

/** What people may copy before a command. */
export const EXAMPLE_VARIABLES = {
  BLOOMSTACK_ENVIRONMENT: 'prod',
  BLOOMSTACK_WEB_MAX_TASKS: '20',
  BLOOMSTACK_NETWORK_ZONES: 'a,c',
};

const valueAt = (object: unknown, [name, ...names]: readonly string[]): unknown => {
  if (name === undefined) return object;
  const entry = Object.entries(object ?? {}).find(([key]) => key === name);
  return valueAt(entry?.[1], names);
};

const valueText = (value: unknown): string => {
  const text = Array.isArray(value) ? value.join(',') : String(value);
  return text === '' ? 'empty' : `\`${text}\``;
};

const allowed = ({ choices, minimum, maximum }: Field): string => {
  if (choices.length > 0) return ` ${choices.map(valueText).join(' or ')}.`;
  if (minimum === undefined && maximum === undefined) return '';
  return maximum === undefined ? ` At least ${minimum}.` : ` ${minimum} to ${maximum}.`;
};

const table = (): string => {
  const load = (environment: string) =>
    loadConfiguration({ context: {}, env: { BLOOMSTACK_ENVIRONMENT: environment } });
  const [dev, prod] = [load('dev'), load('prod')];
  const rows = FIELDS.map((field) => {
    const names = field.path.split('.');
    const [inDev, inProd] = [valueText(valueAt(dev, names)), valueText(valueAt(prod, names))];
    const meaning = `${field.description}${allowed(field)}`.replaceAll('|', '\\|');
    const cells = [
      `\`${field.path}\``,
      `\`${field.variable}\``,
      inDev,
      inProd === inDev ? '' : inProd,
      meaning,
    ];
    return `| ${cells.join(' | ')} |`;
  });
  return [
    '| field | variable | default (dev) | prod, if it differs | meaning |',
    '|---|---|---|---|---|',
    ...rows,
  ].join('\n');
};

/** The text of docs/configuration.md. */
export const configurationDocument = (): string => `# Configuration

Everything about the cloud that you may choose. Nothing must be chosen: with the defaults the stack can be planned, even without an AWS account.

It holds **no secret**, so all of it may be committed and shown. Credentials are found by the AWS SDK and Terraform in their usual places
(a profile, SSO, variables such as \`AWS_PROFILE\`), and GitHub is reached through a connection that you authorize in AWS.

## Precedence

Later layers take precedence, field by field; a list is replaced as a whole.

1. The defaults in the table below; for \`prod\` some differ (\`stacks/config/load.ts\` says why).
2. \`context.bloomstack.all\` in \`cdktf.json\`: what all your deployments share, such as the account and the alarms' address.
3. \`context.bloomstack.environments.dev\` and \`.prod\` in \`cdktf.json\`: what is different in one of them, such as the number of tasks.
4. Environment variables: for one command, or as a build server decides.

The environment is \`BLOOMSTACK_ENVIRONMENT\`, or else \`context.bloomstack.environment\`, or else \`dev\`.
When two deployments share an account, even in different regions, give one of them a \`nameSuffix\`.

In \`cdktf.json\`:

\`\`\`json
${JSON.stringify({ context: EXAMPLE_CONTEXT }, null, 2)}
\`\`\`

With variables:

\`\`\`sh
${Object.entries(EXAMPLE_VARIABLES)
  .map(([name, value]) => `${name}=${value}`)
  .join(' ')} npm run plan
\`\`\`

A variable's text is read by the field's type: a number, \`true\` or \`false\`, a list separated by commas, or the text itself. One that is set but empty counts as not set.
A field or variable that does not exist, or a value that breaks a rule, stops every command with one line that says where it was written and how to fix it.

## Fields

${table()}

This file is generated from \`stacks/config/schema.ts\`: \`node --import tsx scripts/configuration-docs.ts --write\`.
`;
