import { DescribeAvailabilityZonesCommand, EC2Client } from '@aws-sdk/client-ec2';
import { GetRoleCommand, IAMClient, paginateSimulatePrincipalPolicy } from '@aws-sdk/client-iam';
import type { STSClient } from '@aws-sdk/client-sts';
import { z } from 'zod';
import { errorText } from '../../model/shared/text.ts';
import type { Configuration } from '../../stacks/config/schema.ts';
import { markdownTable, shorten } from '../plan/markdown.ts';
import type { StackFiles } from '../terraform/synth.ts';
import type { Caller } from '../terraform/target.ts';
import { deployerPolicy } from './deployer-policy.ts';
import { readQuotas } from './quotas.ts';

/** What is asked of AWS before anything is planned, so that a deployment does not fail halfway. */

/**
 * - `fails`: the deployment cannot succeed.
 * - `later`: the deployment can, and something of what it makes will not work.
 * - `not asked`: AWS did not answer, for want of permissions for example.
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
  /** Of these actions, those that the caller may not do on this resource. */
  readonly denied: (actions: readonly string[], resource: string) => Promise<readonly string[]>;
  /** Names of the region's Availability Zones. */
  readonly zones: () => Promise<readonly string[]>;
  readonly quotas: (service: string, names: readonly string[]) => Promise<ReadonlyMap<string, number>>;
  readonly hasRole: (name: string) => Promise<boolean>;
}

const ASSUMED = /^arn:[^:]+:sts::\d{12}:assumed-role\/([^/]+)\//;

export const askAccount = (sts: STSClient, region: string, caller: Caller): Account => {
  const iam = new IAMClient({ region });
  /** Of a session, the role; only IAM knows the path that belongs to its ARN. */
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
        const ActionNames = actions.slice(from, from + 100);
        for await (const { EvaluationResults = [] } of paginateSimulatePrincipalPolicy(
          { client: iam },
          { ...input, ActionNames },
        ))
          denied.push(
            ...EvaluationResults.flatMap(({ EvalActionName = '', EvalDecision }) =>
              EvalDecision === 'allowed' ? [] : [EvalActionName],
            ),
          );
      }
      return denied;
    },
    zones: async () => {
      const { AvailabilityZones = [] } = await new EC2Client({ region }).send(
        new DescribeAvailabilityZonesCommand({
          Filters: [{ Name: 'zone-type', Values: ['availability-zone'] }],
        }),
      );
      return AvailabilityZones.filter(({ State }) => State === 'available').map(
        ({ ZoneName }) => ZoneName ?? '',
      );
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

const NOT_ASKED = 'not asked';

/** Findings about an answer; when AWS refuses the question, that is the finding. */
const judge = async <T>(
  what: string,
  question: Promise<T>,
  findings: (answer: T) => readonly Finding[],
): Promise<readonly Finding[]> => {
  let answer: T;
  try {
    answer = await question;
  } catch (error) {
    return [{ what, verdict: NOT_ASKED, detail: shorten(errorText(error), 100), remedy: '' }];
  }
  return findings(answer);
};

const SHOWN = 8;
const list = (names: readonly string[]): string =>
  names.slice(0, SHOWN).join(', ') + (names.length > SHOWN ? ` and ${names.length - SHOWN} more` : '');

const CREATE_LINKED_ROLE = 'iam:CreateServiceLinkedRole';
const LINKED_ROLES: Readonly<Record<string, string>> = {
  AWSServiceRoleForECS: 'ecs.amazonaws.com',
  AWSServiceRoleForElasticLoadBalancing: 'elasticloadbalancing.amazonaws.com',
  AWSServiceRoleForApplicationAutoScaling_ECSService: 'ecs.application-autoscaling.amazonaws.com',
};

const checkPermissions = async (
  { stack, config }: PreflightOptions,
  account: Account,
): Promise<readonly Finding[]> => {
  const { Statement } = deployerPolicy(Object.keys(stack.json.resource), config.namePrefix);
  const denied = Promise.all(
    Statement.map(({ Action, Resource: [first = '*'] }) => {
      const resource = first.replace('::*:', `::${config.account}:`).replace('-*', '-web-build-role');
      return account.denied(Action, resource);
    }),
  );
  const what = 'permissions';
  const permissions = await judge(what, denied, (refused) => {
    const actions = refused.flat().filter((action) => action !== CREATE_LINKED_ROLE);
    if (actions.length === 0) return [{ what, verdict: 'ok', detail: 'none is missing', remedy: '' }];
    const remedy = 'Have the policy in docs/deployer-policy.json attached to who deploys.';
    return [{ what, verdict: 'fails', detail: `missing: ${list(actions)}`, remedy }];
  });
  const linked = 'service-linked roles';
  const missing = Object.keys(LINKED_ROLES).map(async (name) =>
    (await account.hasRole(name)) ? [] : [name],
  );
  const roles = await judge(
    linked,
    Promise.all([Promise.all(missing), denied.catch(() => [])]),
    ([names, refused]) => {
      const absent = names.flat();
      const mayCreate = !refused.flat().includes(CREATE_LINKED_ROLE);
      if (absent.length === 0 || mayCreate) {
        const detail =
          absent.length === 0 ? 'all there' : `AWS creates ${absent.length} of them on first use`;
        return [{ what: linked, verdict: 'ok', detail, remedy: '' }];
      }
      const commands = absent.map(
        (name) => `aws iam create-service-linked-role --aws-service-name ${LINKED_ROLES[name]}`,
      );
      const remedy = `Have an administrator run: ${commands.join('; ')}`;
      return [
        {
          what: linked,
          verdict: 'fails',
          detail: `missing, and ${CREATE_LINKED_ROLE} too: ${absent.join(', ')}`,
          remedy,
        },
      ];
    },
  );
  return [...permissions, ...roles];
};

const checkZones = ({ config: { region, network } }: PreflightOptions, account: Account) =>
  judge('Availability Zones', account.zones(), (there) => {
    const what = 'Availability Zones';
    const missing = network.zones.map((zone) => `${region}${zone}`).filter((zone) => !there.includes(zone));
    if (missing.length === 0) return [{ what, verdict: 'ok', detail: network.zones.join(', '), remedy: '' }];
    const letters = there.map((zone) => zone.slice(region.length)).join(',');
    const remedy = `Choose among ${letters}: BLOOMSTACK_NETWORK_ZONES.`;
    return [{ what, verdict: 'fails', detail: `${missing.join(', ')} not open to this account`, remedy }];
  });

interface QuotaNeed {
  readonly service: string;
  readonly name: string;
  /** Without so many the deployment fails. */
  readonly now: number;
  /** Without so many something fails later. */
  readonly later: number;
  readonly why: string;
}

const buildProject = z.looseObject({
  name: z.string(),
  environment: z.object({ type: z.string(), compute_type: z.string() }),
});

/** Quotas of CodeBuild are by kind of machine: ARM/Small, Linux/Medium. */
const buildNeeds = ({ stack, config, isFirst }: PreflightOptions): QuotaNeed[] =>
  Object.values(stack.json.resource['aws_codebuild_project'] ?? {}).map((resource) => {
    const { name, environment } = buildProject.parse(resource);
    const cpu = environment.type.startsWith('ARM') ? 'ARM' : 'Linux';
    const size = environment.compute_type.split('_').at(-1)?.toLowerCase() ?? '';
    const ofService = !name.startsWith(`${config.namePrefix}Ml`);
    return {
      service: 'codebuild',
      name: `Concurrently running builds for ${cpu}/${size.charAt(0).toUpperCase()}${size.slice(1)} environment`,
      now: isFirst && ofService ? 1 : 0,
      later: 1,
      why: 'builds of images',
    };
  });

const vCpus = ({ web, was }: Configuration, tasks: 'minTasks' | 'maxTasks'): number =>
  (web.cpu * web[tasks] + was.cpu * was[tasks]) / 1024;

/** What the configuration uses of what AWS limits. Source: "Service endpoints and quotas", AWS General Reference. */
export const quotaNeeds = (options: PreflightOptions): readonly QuotaNeed[] => {
  const { config } = options;
  const {
    trainingInstanceType,
    trainingSpot,
    endpointInstanceType,
    processingInstanceType,
    endpointMaxInstances,
  } = config.learning;
  const sageMaker = (name: string, later: number, why: string): QuotaNeed => ({
    service: 'sagemaker',
    name,
    now: 0,
    later,
    why,
  });
  return [
    sageMaker(
      `${trainingInstanceType} for ${trainingSpot ? 'spot training' : 'training'} job usage`,
      1,
      'a training',
    ),
    sageMaker(
      `${endpointInstanceType} for endpoint usage`,
      2 * endpointMaxInstances,
      'an update of the endpoint runs both fleets',
    ),
    sageMaker(`${processingInstanceType} for processing job usage`, 1, 'evaluation and deployment'),
    ...buildNeeds(options),
    {
      service: 'fargate',
      name: 'Fargate On-Demand vCPU resource count',
      now: vCpus(config, 'minTasks'),
      later: 2 * vCpus(config, 'maxTasks'),
      why: 'a rollout runs old and new tasks',
    },
  ];
};

const checkQuotas = async (options: PreflightOptions, account: Account): Promise<readonly Finding[]> => {
  const needs = quotaNeeds(options);
  const byService = [...new Set(needs.map(({ service }) => service))].map((service) => {
    const ofService = needs.filter((need) => need.service === service);
    const names = [...new Set(ofService.map(({ name }) => name))];
    return judge(`quotas of ${service}`, account.quotas(service, names), (values) =>
      names.map((what): Finding => {
        const those = ofService.filter(({ name }) => name === what);
        const [now, later] = [
          Math.max(...those.map((need) => need.now)),
          Math.max(...those.map((need) => need.later)),
        ];
        const value = values.get(what);
        if (value === undefined)
          return { what, verdict: NOT_ASKED, detail: 'Service Quotas does not list it', remedy: '' };
        if (value >= later) return { what, verdict: 'ok', detail: `${value}`, remedy: '' };
        const detail = `${value} of ${value < now ? now : later}: ${those[0]?.why}`;
        const remedy = `Request ${later} in the console: Service Quotas, ${service}, ${options.config.region}.`;
        return { what, verdict: value < now ? 'fails' : 'later', detail, remedy };
      }),
    );
  });
  return (await Promise.all(byService)).flat();
};

const checkAlarms = ({ config: { observability } }: PreflightOptions): Finding => {
  const what = 'alarm e-mail';
  return observability.alarmEmail
    ? {
        what,
        verdict: 'ok',
        detail: `${observability.alarmEmail}; the first message asks to confirm it`,
        remedy: '',
      }
    : {
        what,
        verdict: 'later',
        detail: 'no one is notified of alarms',
        remedy: 'Set BLOOMSTACK_OBSERVABILITY_ALARM_EMAIL.',
      };
};

export interface PreflightOptions {
  readonly config: Configuration;
  readonly stack: StackFiles;
  /** Whether nothing is deployed yet, so that images must be built. */
  readonly isFirst: boolean;
}

/** Asks everything that can be asked before a deployment. */
export const preflight = async (options: PreflightOptions, account: Account): Promise<readonly Finding[]> => [
  ...(
    await Promise.all([
      checkPermissions(options, account),
      checkZones(options, account),
      checkQuotas(options, account),
    ])
  ).flat(),
  checkAlarms(options),
];

const MARKS: Readonly<Record<Verdict, string>> = {
  ok: 'ok',
  fails: '⚠ FAILS',
  later: '⚠ later',
  'not asked': 'could not ask',
};
const ORDER: readonly Verdict[] = ['fails', 'later', NOT_ASKED, 'ok'];

/** One table, with what fails first. */
export const describeFindings = (findings: readonly Finding[]): string =>
  markdownTable(
    ['preflight', '', 'found', 'what to do'],
    ORDER.flatMap((verdict) => findings.filter((finding) => finding.verdict === verdict)).map(
      ({ what, verdict, detail, remedy }) => [what, MARKS[verdict], detail, remedy],
    ),
  );
