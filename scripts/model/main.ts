import { z } from 'zod';
import { percent, wholeNumber } from '../../model/shared/text.ts';
import { print, runCommand, textTable } from '../shared/cli.ts';
import {
  approveVersion,
  deployVersion,
  findServed,
  findVersion,
  listVersions,
  type ModelPlace,
  type ModelVersion,
  previousVersion,
} from './models.ts';
import { onAws, onThisMachine } from './places.ts';

/** Shows the registered versions of the model, and chooses which one answers. */

const HEAD = `Usage: npm run model -- list | show VERSION | approve VERSION | deploy VERSION | rollback

  list       the newest versions, their accuracy, when and by whom they were registered, and which one answers
  show       all that is known of a version
  approve    marks a version as fit to answer, and deploys it
  deploy     puts an approved version on the endpoint
  rollback   puts the approved version before the one that answers on the endpoint, at once
`;

const WITH_VERSION = ['show', 'approve', 'deploy'] as const;
const ALONE = ['list', 'rollback'] as const;
const CALL = 'list, show VERSION, approve VERSION, deploy VERSION or rollback';

const options = z.strictObject({
  command: z
    .union([z.tuple([z.enum(WITH_VERSION), wholeNumber(1)]), z.tuple([z.enum(ALONE)])], CALL)
    .meta({ positional: true, value: 'COMMAND', description: CALL }),
  aws: z.boolean().default(false).meta({
    description:
      'on AWS, with the credentials and the configuration that are here; otherwise on this machine,\nwith what npm run pipeline has registered and npm start serves',
  }),
});

const when = (date: Date | undefined): string => date?.toISOString().slice(0, 16).replace('T', ' ') ?? '';
const accuracyText = ({ accuracy }: ModelVersion): string =>
  accuracy === undefined ? 'unknown' : percent(accuracy);

const list = async (place: ModelPlace): Promise<void> => {
  const { status, served, next } = await findServed(place);
  const { endpointName } = place;
  print(status ? `The endpoint ${endpointName} is ${status}.` : `No model is deployed to ${endpointName}.`);
  const rows = (await listVersions(place)).map((each) => {
    const { version, status, registeredAt, by } = each;
    const use = version === served ? 'answers' : version === next ? 'is being deployed' : '';
    return [String(version), status, accuracyText(each), when(registeredAt), by, use];
  });
  if (rows.length === 0) print('No version is registered: npm run pipeline registers them.');
  else
    for (const line of textTable([['version', 'status', 'accuracy', 'registered (UTC)', 'by', ''], ...rows]))
      print(line);
};

const show = async (place: ModelPlace, number: number): Promise<void> => {
  const found = await findVersion(place, number);
  const { version, status, registeredAt, by, arn, modelName = 'unknown', origin } = found;
  const facts = {
    Version: String(version),
    Status: status,
    Answers: (await findServed(place)).served === version ? 'yes' : 'no',
    Accuracy: accuracyText(found),
    Registered: `${when(registeredAt)} UTC by ${by}`,
    Package: arn,
    Model: modelName,
    ...origin,
  };
  for (const line of textTable(Object.entries(facts))) print(line);
};

/** @throws Error when it is not approved */
const approved = async (place: ModelPlace, version: number): Promise<ModelVersion> => {
  const found = await findVersion(place, version);
  if (found.status === 'Approved') return found;
  throw new Error(
    `Version ${version} is ${found.status}. Approve it, which deploys it: npm run model -- approve ${version}`,
  );
};

const run = async ({ command: [command, version = 0], aws }: z.output<typeof options>): Promise<number> => {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.on(signal, () => stop.abort(new Error('Stopped. SageMaker will finish what was started.')));
  const options = { signal: stop.signal, report: print };
  const changes = command !== 'list' && command !== 'show';
  await (aws ? onAws : onThisMachine)({ changes }, async (place) => {
    if (command === 'list') return list(place);
    if (command === 'show') return show(place, version);
    if (command === 'approve') await approveVersion(place, await findVersion(place, version));
    const back = command === 'rollback';
    const chosen = back ? await previousVersion(place) : await approved(place, version);
    const { summary } = await deployVersion(place, chosen, { ...options, back });
    print(summary);
  });
  return 0;
};

await runCommand({ head: HEAD, options }, run);
