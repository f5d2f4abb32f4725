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
 * A deployment is identified by its environment, region, account, prefix and suffix, which name its state. Resource
 * names only contain the last three, so no two deployments in an account may have the same prefix and suffix.
 */

/** A store of states: this folder, or a bucket. */
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
      // Listing the bucket may not be allowed. Terraform itself reports problems with it, and its state is checked
      // again.
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

/** Names of states, as `stateNames` composes them; formerly they only contained the environment. */
const STATE_NAMES =
  /^(?:terraform\.)?bloomstack-(?<environment>[a-z]+)(?<names>-[a-z0-9-]+)?(?:[./](?<account>\d{12})[./](?<region>[a-z0-9-]+))?(?:\.tfstate|\/terraform\.tfstate)$/;

/** Whether a state with an old name, which has neither prefix nor suffix, belongs to this deployment. */
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
    // Its name only contains the environment.
    const isOld = account === undefined;
    if (!isOld && names !== ours) continue;
    const resources = await store.read(name);
    if (resources.length === 0 || (isOld && !hasNamesOf(config, resources))) continue;
    found.push({ name, environment, isOld, ...(isOld ? deployedPlace(resources) : { account, region }) });
  }
  return found;
};

/** The account of the only deployment with a state here; undefined if there are none or several. */
export const knownAccount = async (store: StateStore, config: Configuration): Promise<string | undefined> => {
  const accounts = new Set((await findStates(store, config)).flatMap(({ account }) => account ?? []));
  return accounts.size === 1 ? [...accounts][0] : undefined;
};

/**
 * Makes sure that no state here belongs to another deployment with the same names. States with old names are renamed.
 *
 * @param choseAccount whether the configuration names the account, so that a deployment in another one is intended
 * @throws Error that says where the other deployment is, and what to set for it or for an additional one
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
    const beside = 'for an additional one, choose a nameSuffix (BLOOMSTACK_NAME_SUFFIX)';
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
    print(`Renamed the state ${name} to ${current}: the new name identifies its deployment.`);
  }
};
