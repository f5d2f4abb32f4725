import { readFileSync } from 'node:fs';
import { DescribeAvailabilityZonesCommand, EC2Client } from '@aws-sdk/client-ec2';
import { GetRoleCommand, IAMClient, paginateSimulatePrincipalPolicy } from '@aws-sdk/client-iam';
import type { STSClient } from '@aws-sdk/client-sts';
import { z } from 'zod';
import { errorText } from '../../model/shared/text.ts';
import type { Configuration } from '../../stacks/config/schema.ts';
import { BASE_IMAGES, pinned } from '../base-images.ts';
import { markdownTable, shorten } from '../plan/markdown.ts';
import type { StackFiles } from '../terraform/synth.ts';
import type { Caller } from '../terraform/target.ts';
import { deployerPolicy } from './deployer-policy.ts';
import { readQuotas } from './quotas.ts';

/** Checks with AWS before anything is planned, so that a deployment does not fail halfway. */

/**
 * - `fails`: the deployment cannot succeed.
 * - `later`: the deployment succeeds, but something in it will not work.
 * - `not asked`: AWS did not answer, for example because the caller may not ask.
 */
type Verdict = 'ok' | 'fails' | 'later' | 'not asked';

export interface Finding {
  readonly what: string;
  readonly verdict: Verdict;
  readonly detail: string;
  /** What to do about it; empty when there is nothing. */
  readonly remedy: string;
}

/** Answers about an account. Each rejects when AWS refuses the question. */
export interface Account {
  /** The actions among these that the caller may not take on this resource. */
  readonly denied: (actions: readonly string[], resource: string) => Promise<readonly string[]>;
  readonly zones: () => Promise<readonly string[]>;
  readonly quotas: (service: string, names: readonly string[]) => Promise<ReadonlyMap<string, number>>;
  readonly hasRole: (name: string) => Promise<boolean>;
  /** The base images that their registries did not confirm, with the reasons. */
  readonly missingImages: () => Promise<readonly (readonly [name: string, reason: string])[]>;
}

const ASSUMED = /^arn:[^:]+:sts::\d{12}:assumed-role\/([^/]+)\//;

export const askAccount = (sts: STSClient, region: string, caller: Caller): Account => {
  const iam = new IAMClient({ region });
  /** A session's role; only IAM knows the path in its ARN. */
  const findPrincipal = async (): Promise<string> => {
    const role = ASSUMED.exec(caller.arn)?.[1];
    const { Role } = role === undefined ? {} : await iam.send(new GetRoleCommand({ RoleName: role }));
    return Role?.Arn ?? caller.arn;
  };
  return {
    denied: async (actions, resource) => {
      if (caller.arn.endsWith(':root')) return [];
      const input = { PolicySourceArn: await findPrincipal(), ResourceArns: [resource] };
      const denied: string[] = [];
      for (let from = 0; from < actions.length; from += 100) {
        const question = { ...input, ActionNames: actions.slice(from, from + 100) };
        for await (const { EvaluationResults = [] } of paginateSimulatePrincipalPolicy(
          { client: iam },
          question,
        ))
          for (const { EvalActionName = '', EvalDecision } of EvaluationResults)
            if (EvalDecision !== 'allowed') denied.push(EvalActionName);
      }
      return denied;
    },
    zones: async () => {
      const Filters = [{ Name: 'zone-type', Values: ['availability-zone'] }];
      const question = new DescribeAvailabilityZonesCommand({ Filters });
      const { AvailabilityZones = [] } = await new EC2Client({ region }).send(question);
      const available = AvailabilityZones.filter(({ State }) => State === 'available');
      return available.map(({ ZoneName }) => ZoneName ?? '');
    },
    missingImages: async () => {
      const missing: [string, string][] = [];
      await pinned(readFileSync(BASE_IMAGES, 'utf8'), (...each) => missing.push(each));
      return missing;
    },
    quotas: (service, names) => readQuotas(sts, region, service, names),
    hasRole: async (name) => {
      try {
        await iam.send(new GetRoleCommand({ RoleName: name }));
        return true;
      } catch (error) {
        if (error instanceof Error && error.name === 'NoSuchEntityException') return false;
        throw error;
      }
    },
  };
};

export const found = (verdict: Verdict, what: string, detail: string, remedy = ''): Finding => ({
  what,
  verdict,
  detail,
  remedy,
});

const UNKNOWN = 'Check it yourself, or allow the call (see docs/deployer-policy.json).';

/** Judges AWS's answer. A question that AWS refuses becomes a finding itself. */
const judge = <T, Judged>(
  what: string,
  question: Promise<T>,
  judgement: (answer: T) => Judged,
): Promise<Judged | Finding> =>
  question.then(judgement, (error) => found('not asked', what, shorten(errorText(error), 100), UNKNOWN));

const SHOWN = 8;
/** A list, cut short. */
export const list = (names: readonly string[]): string =>
  names.slice(0, SHOWN).join(', ') + (names.length > SHOWN ? ` and ${names.length - SHOWN} more` : '');

const CREATE_LINKED_ROLE = 'iam:CreateServiceLinkedRole';
const LINKED_ROLES: Readonly<Record<string, string>> = {
  AWSServiceRoleForECS: 'ecs.amazonaws.com',
  AWSServiceRoleForElasticLoadBalancing: 'elasticloadbalancing.amazonaws.com',
  AWSServiceRoleForApplicationAutoScaling_ECSService: 'ecs.application-autoscaling.amazonaws.com',
};

/** The caller's missing permissions, and missing service-linked roles that it may not create. */
const checkPermissions = ({ stack, config }: PreflightOptions, account: Account): Promise<Finding>[] => {
  const { Statement } = deployerPolicy(Object.keys(stack.json.resource), config.namePrefix);
  const denied = Promise.all(
    Statement.map(({ Action, Resource: [first = '*'] }) => {
      const resource = first.replace('::*:', `::${config.account}:`).replace('-*', '-web-build-role');
      return account.denied(Action, resource);
    }),
  );
  const permissions = judge('permissions', denied, (refused) => {
    const actions = refused.flat().filter((action) => action !== CREATE_LINKED_ROLE);
    if (actions.length === 0) return found('ok', 'permissions', 'none is missing');
    const remedy = 'Have the policy in docs/deployer-policy.json attached to who deploys.';
    return found('fails', 'permissions', `missing: ${list(actions)}`, remedy);
  });
  const what = 'service-linked roles';
  const there = Promise.all(Object.keys(LINKED_ROLES).map(account.hasRole));
  const roles = judge(what, Promise.all([there, denied.catch(() => [])]), ([has, refused]) => {
    const absent = Object.entries(LINKED_ROLES).filter((_, index) => !has[index]);
    if (absent.length === 0) return found('ok', what, 'all there');
    if (!refused.flat().includes(CREATE_LINKED_ROLE))
      return found('ok', what, `AWS creates ${absent.length} of them on first use`);
    const commands = absent.map(
      ([, service]) => `aws iam create-service-linked-role --aws-service-name ${service}`,
    );
    const detail = `missing, and ${CREATE_LINKED_ROLE} too: ${absent.map(([name]) => name).join(', ')}`;
    return found('fails', what, detail, `Have an administrator run: ${commands.join('; ')}`);
  });
  return [permissions, roles];
};

const checkZones = ({ config: { region, network } }: PreflightOptions, account: Account) =>
  judge('Availability Zones', account.zones(), (there) => {
    const what = 'Availability Zones';
    const missing = network.zones.map((zone) => `${region}${zone}`).filter((zone) => !there.includes(zone));
    if (missing.length === 0) return found('ok', what, network.zones.join(', '));
    const letters = there.map((zone) => zone.slice(region.length)).join(',');
    const remedy = `Choose among ${letters}: BLOOMSTACK_NETWORK_ZONES.`;
    return found('fails', what, `${missing.join(', ')} not open to this account`, remedy);
  });

/** Below `now` the deployment fails; below `later` something fails afterwards. */
type QuotaNeed = readonly [service: string, name: string, now: number, later: number, why: string];

const buildProject = z.looseObject({
  name: z.string(),
  environment: z.object({ type: z.string(), compute_type: z.string() }),
});

/** Quotas of CodeBuild are by kind of machine: ARM/Small, Linux/Medium. */
const buildNeeds = ({ stack, config, isFirst }: PreflightOptions): QuotaNeed[] => {
  const needs = new Map<string, QuotaNeed>();
  for (const resource of Object.values(stack.json.resource['aws_codebuild_project'] ?? {})) {
    const { name: project, environment } = buildProject.parse(resource);
    const cpu = environment.type.startsWith('ARM') ? 'ARM' : 'Linux';
    const size = environment.compute_type.split('_').at(-1)?.toLowerCase() ?? '';
    const name = `Concurrently running builds for ${cpu}/${size.charAt(0).toUpperCase()}${size.slice(1)} environment`;
    const isNeeded = isFirst && !project.startsWith(`${config.namePrefix}Ml`);
    const now = isNeeded ? 1 : (needs.get(name)?.[2] ?? 0);
    needs.set(name, ['codebuild', name, now, 1, 'builds of images']);
  }
  return [...needs.values()];
};

/** The quotas that the configuration uses. Source: "Service endpoints and quotas", AWS General Reference. */
const quotaNeeds = (options: PreflightOptions): readonly QuotaNeed[] => {
  const { web, was, learning } = options.config;
  const vCpus = (tasks: 'minTasks' | 'maxTasks') => (web.cpu * web[tasks] + was.cpu * was[tasks]) / 1024;
  const training = `${learning.trainingInstanceType} for ${learning.trainingSpot ? 'spot training' : 'training'}`;
  const endpoint = `${learning.endpointInstanceType} for endpoint usage`;
  const processing = `${learning.processingInstanceType} for processing job usage`;
  const cpus = 'Fargate On-Demand vCPU resource count';
  const fleets = 2 * learning.endpointMaxInstances;
  return [
    ['sagemaker', `${training} job usage`, 0, 1, 'a training'],
    ['sagemaker', endpoint, 0, fleets, 'an update of the endpoint runs both fleets'],
    ['sagemaker', processing, 0, 1, 'evaluation and deployment'],
    ...buildNeeds(options),
    ['fargate', cpus, vCpus('minTasks'), 2 * vCpus('maxTasks'), 'a rollout runs old and new tasks'],
  ];
};

const checkQuotas = (options: PreflightOptions, account: Account) => {
  const all = quotaNeeds(options);
  return [...new Set(all.map(([service]) => service))].map((service) => {
    const needs = all.filter((need) => need[0] === service);
    const names = needs.map(([, name]) => name);
    const question = account.quotas(service, names);
    return judge(`quotas of ${service}`, question, (values) =>
      needs.map(([, name, now, later, why]) => {
        const value = values.get(name);
        if (value === undefined) return found('not asked', name, 'not listed', 'Look in Service Quotas.');
        if (value >= later) return found('ok', name, String(value));
        const detail = `${value} of ${value < now ? now : later}: ${why}`;
        const remedy = `Request ${later} in the console: Service Quotas, ${service}, ${options.config.region}.`;
        return found(value < now ? 'fails' : 'later', name, detail, remedy);
      }),
    );
  });
};

const checkBaseImages = async (account: Account): Promise<readonly Finding[]> =>
  (await account.missingImages()).map(([name, reason]) =>
    reason.includes('answered 404')
      ? found('fails', `base image ${name}`, reason, 'Choose another in stacks/images/base-images.env.')
      : found('not asked', `base image ${name}`, reason, 'Check that builds can pull it.'),
  );

const checkAlarms = ({ config: { observability } }: PreflightOptions): Finding => {
  const { alarmEmail } = observability;
  const what = 'alarm e-mail';
  const remedy = 'Set BLOOMSTACK_OBSERVABILITY_ALARM_EMAIL.';
  return alarmEmail
    ? found('ok', what, `${alarmEmail}; the first message asks to confirm it`)
    : found('later', what, 'no one is notified of alarms', remedy);
};

interface PreflightOptions {
  readonly config: Configuration;
  readonly stack: StackFiles;
  /** Whether nothing is deployed yet, so that images must be built. */
  readonly isFirst: boolean;
}

/** Asks everything that can be asked before a deployment. */
export const preflight = async (options: PreflightOptions, account: Account): Promise<readonly Finding[]> => {
  const questions: (Finding | Promise<Finding | readonly Finding[]>)[] = [
    ...checkPermissions(options, account),
    checkZones(options, account),
    ...checkQuotas(options, account),
    // Later, builds are started by pushes.
    ...(options.isFirst ? [checkBaseImages(account)] : []),
    checkAlarms(options),
  ];
  return (await Promise.all(questions)).flat();
};

const MARKS: Readonly<Record<Verdict, string>> = {
  fails: '⚠ FAILS',
  later: '⚠ later',
  'not asked': 'could not ask',
  ok: 'ok',
};
/** One table, with what fails first. */
export const describeFindings = (findings: readonly Finding[]): string => {
  const rows = Object.entries(MARKS).flatMap(([key, mark]) => {
    const alike = findings.filter(({ verdict }) => verdict === key);
    return alike.map(({ what, detail, remedy }) => [what, mark, detail, remedy]);
  });
  return markdownTable(['preflight', '', 'found', 'what to do'], rows);
};
