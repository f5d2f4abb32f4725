import { existsSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import path from 'node:path';
import {
  CopyObjectCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  paginateListObjectsV2,
  S3Client,
} from '@aws-sdk/client-s3';
import type { Configuration } from '../../stacks/config/schema.ts';
import { resourceNames, stackName, stateNames } from '../../stacks/names.ts';
import { print } from '../shared/cli.ts';
import { ROOT } from '../shared/paths.ts';
import { deployedPlace, readState, type StateResource } from './state.ts';

/**
 * A deployment is its environment, region, account, prefix and suffix: they name its state. Names of resources hold only
 * the last three, so no other deployment in an account may have the same prefix and suffix.
 */

/** Where states are: this folder, or a bucket. */
export interface StateStore {
  /** Of every state that is there. */
  readonly list: () => Promise<readonly string[]>;
  readonly read: (name: string) => Promise<readonly StateResource[]>;
  readonly move: (from: string, to: string) => Promise<void>;
  readonly nameOf: (config: Configuration) => string;
}

export const localStates = (folder = ROOT): StateStore => ({
  list: async () => readdirSync(folder),
  read: async (name) => readState(readFileSync(path.join(folder, name), 'utf8')),
  move: async (from, to) => {
    for (const end of ['', '.backup'])
      if (existsSync(path.join(folder, from + end)))
        renameSync(path.join(folder, from + end), path.join(folder, to + end));
  },
  nameOf: (config) => stateNames(config).file,
});

export const bucketStates = (bucket: string, client: S3Client): StateStore => ({
  list: async () => {
    const keys: string[] = [];
    const pages = paginateListObjectsV2({ client }, { Bucket: bucket, Prefix: 'bloomstack-' });
    try {
      for await (const { Contents = [] } of pages) keys.push(...Contents.flatMap(({ Key }) => Key ?? []));
    } catch {
      // Not everyone may list a bucket. Terraform itself says what is wrong with it, and its state is checked again.
    }
    return keys;
  },
  read: async (name) => {
    const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: name }));
    return readState((await Body?.transformToString()) ?? '');
  },
  move: async (from, to) => {
    const copy = { Bucket: bucket, CopySource: encodeURI(`${bucket}/${from}`), Key: to };
    await client.send(new CopyObjectCommand(copy));
    await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: from }));
  },
  nameOf: (config) => stateNames(config).key,
});

export const openStates = ({ state, region }: Configuration): StateStore =>
  state.bucket ? bucketStates(state.bucket, new S3Client({ region: state.region || region })) : localStates();

/** Names of states, as `stateNames` writes them; before, they held the environment only. */
const STATE_NAMES =
  /^(?:terraform\.)?bloomstack-(?<environment>[a-z]+)(?<names>-[a-z0-9-]+)?(?:[./](?<account>\d{12})[./](?<region>[a-z0-9-]+))?(?:\.tfstate|\/terraform\.tfstate)$/;

/** Whether a state of the old name, which holds neither prefix nor suffix, is this deployment's. */
const hasNamesOf = (config: Configuration, resources: readonly StateResource[]): boolean => {
  const { cluster, web, was, learning } = resourceNames(config);
  const ours = [cluster, web.repository, was.repository, learning.repository];
  const named = resources.filter(({ type }) => ['aws_ecs_cluster', 'aws_ecr_repository'].includes(type));
  return named.length === 0 || named.some(({ attributes }) => ours.includes(String(attributes['name'])));
};

/** The states of deployments whose resources would have the same names. */
const findStates = async (store: StateStore, config: Configuration) => {
  const { names: ours } = STATE_NAMES.exec(`${stackName(config)}.tfstate`)?.groups ?? {};
  const found: ({ name: string; environment: string; isOld: boolean } & ReturnType<typeof deployedPlace>)[] =
    [];
  for (const name of await store.list()) {
    const { environment, names, account, region } = STATE_NAMES.exec(name)?.groups ?? {};
    if (environment === undefined) continue;
    // Its name holds the environment only.
    const isOld = account === undefined;
    if (!isOld && names !== ours) continue;
    const resources = await store.read(name);
    if (resources.length === 0 || (isOld && !hasNamesOf(config, resources))) continue;
    found.push({ name, environment, isOld, ...(isOld ? deployedPlace(resources) : { account, region }) });
  }
  return found;
};

/** The account of the one deployment that a state here knows; nothing when there are none or several. */
export const knownAccount = async (store: StateStore, config: Configuration): Promise<string | undefined> => {
  const accounts = new Set((await findStates(store, config)).flatMap(({ account }) => account ?? []));
  return accounts.size === 1 ? [...accounts][0] : undefined;
};

/**
 * Makes sure that no state here is of another deployment with the same names. A state of the old name is renamed.
 *
 * @param choseAccount whether the configuration names the account, so that a deployment in another one is meant
 * @throws Error that says where the other deployment is, and what to set for it or for one beside it
 */
export const claimState = async (
  store: StateStore,
  config: Configuration,
  choseAccount: boolean,
): Promise<void> => {
  const current = store.nameOf(config);
  const states = await findStates(store, config);
  for (const { name, environment, isOld, account = config.account, region = config.region } of states) {
    if (name === current || (account !== config.account && choseAccount)) continue;
    const deployed = `A deployment of these names is in account ${account}, ${region}, environment ${environment} (state ${name})`;
    const beside = 'for another one beside it, choose a nameSuffix (BLOOMSTACK_NAME_SUFFIX)';
    if (region !== config.region || environment !== config.environment)
      throw new Error(
        `${deployed}; the configuration is for ${config.region}, environment ${config.environment}. ` +
          `For that deployment set BLOOMSTACK_REGION=${region} and BLOOMSTACK_ENVIRONMENT=${environment}; ${beside}.`,
      );
    if (account !== config.account)
      throw new Error(
        `${deployed}; these credentials belong to account ${config.account}. Use credentials of account ${account}; ` +
          `for a deployment of its own in this account, set BLOOMSTACK_ACCOUNT=${config.account}.`,
      );
    if (!isOld || states.some((state) => state.name === current)) continue;
    await store.move(name, current);
    print(`Renamed the state ${name} to ${current}: its name says whose it is.`);
  }
};
