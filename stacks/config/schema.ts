import { closestMatch } from 'leven';
import { z } from 'zod';
import { first, gpuInstanceType, instanceType } from './instance-types.ts';
import { REGIONS } from './regions.ts';
import { CIDR_RULE, parseCidr, planSubnets } from './subnets.ts';

/*
 * All settings of the cloud. A rule's message follows "<field> (<where it is written>) is <value>: ".
 */

/** The possible environments. */
export const ENVIRONMENTS = ['dev', 'prod'] as const;

/** A conflict with another field, reported as an issue of the field that should change. */
const conflict = (field: string, message: string) => ({
  code: 'custom' as const,
  input: undefined,
  path: field.split('.'),
  message,
});

/** A conflict between two fields, the first of which must not exceed the second. */
const ordered = <Field extends string>(value: Readonly<Record<Field, number>>, low: Field, high: Field) =>
  value[low] > value[high]
    ? [conflict(low, `that is above ${high} (${value[high]}), lower it or raise ${high}`)]
    : [];

const flag = (value: boolean, description: string) => z.boolean().default(value).describe(description);

const count = ([least, most]: readonly [number, number], value: number, description: string) =>
  z.int().min(least).max(most).default(value).describe(description);

/** A pattern, and the advice when it is not met. */
type Rule = readonly [pattern: RegExp, rule: string];

const text = ([pattern, rule]: Rule, value: string, description: string) =>
  z.string().regex(pattern, rule).default(value).describe(description);

/** Empty unless set. */
const optionalText = ([pattern, rule]: Rule, description: string) =>
  text([new RegExp(`^$|${pattern.source}`), rule], '', description);

const REGION: Rule = [/^[a-z]{2}(-[a-z]+)+-\d$/, 'give a region, such as ap-northeast-2'];

const cidr = z.string().refine((block) => parseCidr(block) !== undefined, first(CIDR_RULE));

const IMAGE_TAG: Rule = [
  /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/,
  'give the tag of a container image, such as a commit id',
];

const INSTANCES = [1, 100] as const;

const subnets = (kind: string, half: string) =>
  z
    .array(cidr)
    .default([])
    .describe(
      `CIDR blocks of the ${kind} subnets, one per Availability Zone; empty: sixteenths of the VPC's ${half} half.`,
    );

/** The VPC, its subnets and their egress. */
const network = z
  .strictObject({
    cidr: cidr.default('10.0.0.0/16').describe('CIDR block of the VPC, between /16 and /20.'),
    zones: z
      .array(z.string().regex(/^[a-z]$/, 'give the suffix of an Availability Zone, such as a'))
      .min(2, first('a load balancer needs two Availability Zones, give two suffixes such as a,c'))
      .max(4, first('more than 4 Availability Zones, give fewer suffixes'))
      .refine(
        (zones) => new Set(zones).size === zones.length,
        'an Availability Zone is named twice, name each once',
      )
      .default(['a', 'c'])
      .describe(
        "AZ suffixes: two to four of the region's Availability Zones; each gets one public and one private subnet.",
      ),
    publicSubnets: subnets('public', 'lower'),
    privateSubnets: subnets('private', 'upper'),
    nat: z
      .enum(['one', 'per-zone'])
      .default('one')
      .describe(
        'NAT gateways: one (cheaper; its Availability Zone is a single point of failure) or one per Availability Zone.',
      ),
    allowedCidrs: z
      .array(cidr)
      .min(1, 'nothing could reach the load balancer, give a CIDR block such as 0.0.0.0/0')
      .default(['0.0.0.0/0'])
      .describe('CIDR blocks that may reach the public load balancer.'),
  })
  .check(({ value, issues }) => {
    issues.push(...planSubnets(value).problems.map(({ field, message }) => conflict(field, message)));
  })
  .prefault({});

/** Fargate's allowed memory (MiB) for each CPU size (units of 1/1024 vCPU). Source: "Fargate task size", ECS guide. */
const FARGATE_MEMORY: Readonly<Record<number, { from: number; to: number; step: number }>> = {
  256: { from: 512, to: 2048, step: 1024 },
  512: { from: 1024, to: 4096, step: 1024 },
  1024: { from: 2048, to: 8192, step: 1024 },
  2048: { from: 4096, to: 16_384, step: 1024 },
  4096: { from: 8192, to: 30_720, step: 1024 },
  8192: { from: 16_384, to: 61_440, step: 4096 },
  16384: { from: 32_768, to: 122_880, step: 8192 },
};
const CPU_SIZES = Object.keys(FARGATE_MEMORY).map(Number);

/** A service on Fargate: the size of its tasks, and how many there are. */
const service = z
  .strictObject({
    cpu: z
      .int()
      .refine(
        (cpu) => CPU_SIZES.includes(cpu),
        first(`Fargate has no such size, give one of ${CPU_SIZES.join(', ')}`),
      )
      .default(512)
      .describe(`CPU of one task in units of 1/1024 vCPU: ${CPU_SIZES.join(', ')}.`),
    memory: z
      .int()
      .default(1024)
      .describe('Memory of one task in MiB; Fargate allows certain pairs with CPU.'),
    minTasks: count(INSTANCES, 2, 'Tasks that always run.'),
    maxTasks: count(INSTANCES, 4, 'Tasks that autoscaling may run.'),
    imageTag: text(
      IMAGE_TAG,
      'initial',
      'Tag of the image that the very first deployment runs; afterwards the pipeline owns the image.',
    ),
  })
  .check(({ value, issues }) => {
    issues.push(...ordered(value, 'minTasks', 'maxTasks'));
    const { cpu, memory } = value;
    const { from, to, step } = FARGATE_MEMORY[cpu] ?? { from: 0, to: 0, step: 1 };
    if (memory !== from && (memory < from || memory > to || memory % step !== 0))
      issues.push(
        conflict('memory', `with cpu ${cpu} Fargate allows ${from} or multiples of ${step} up to ${to} MiB`),
      );
  })
  .prefault({});

const CERTIFICATE_ARN = /^arn:aws[a-z-]*:acm:([a-z0-9-]+):\d{12}:certificate\/\S+$/;

/** How the public load balancer is reached. */
const https = z
  .strictObject({
    certificateArn: optionalText(
      [
        CERTIFICATE_ARN,
        'give the ARN of an ACM certificate, arn:aws:acm:<region>:<account>:certificate/<id>',
      ],
      'ACM certificate in the same region. Empty: one is requested for domain if hostedZoneId is given, else HTTP only.',
    ),
    domain: optionalText(
      [
        /^([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}$/,
        'give a host name without a protocol, such as flowers.example.com',
      ],
      'Name under which people reach the service, by HTTPS; HTTP is redirected.',
    ),
    hostedZoneId: optionalText(
      [/^Z[A-Z0-9]+$/, 'give the id of a Route 53 hosted zone, such as Z0123456789ABC'],
      'Route 53 zone of domain: the certificate is validated in it and domain pointed at the load balancer; empty: you do it.',
    ),
  })
  .check(({ value: { certificateArn, domain, hostedZoneId }, issues }) => {
    const wrong = (field: string, message: string) => issues.push(conflict(field, message));
    if (domain && !certificateArn && !hostedZoneId)
      wrong(
        'hostedZoneId',
        'https.domain is set and HTTPS needs a certificate, give the Route 53 zone in which one can be validated, or https.certificateArn',
      );
    if (!domain && (certificateArn || hostedZoneId))
      wrong(
        'domain',
        `https.${certificateArn ? 'certificateArn' : 'hostedZoneId'} is set, give the name that people use: nobody gets a certificate for the load balancer's own`,
      );
  })
  .prefault({});

/** The web application firewall. */
const firewall = z
  .strictObject({
    enabled: flag(true, 'A WAF with managed rules in front of the public load balancer.'),
    requestsPerFiveMinutes: count(
      [10, 2_000_000_000],
      2000,
      'Requests that one address may make in five minutes before it is refused.',
    ),
  })
  .prefault({});

const ORIGIN = /^https?:\/\/[a-z0-9.-]+(:\d+)?$/;

/** Who may call the API. */
const api = z
  .strictObject({
    keys: flag(false, 'Ask for a key on /v1/*. The keys are in a secret, see docs/operating.md.'),
    openPage: flag(
      true,
      'Whether POST /classify/image needs no key even so. The page posts there and has none: false closes both, and the page says that a key is needed.',
    ),
    photosPerMinute: count([1, 1_000_000], 600, 'Photos a minute that each key may send to a task of web.'),
    corsOrigins: z
      .array(z.string().regex(ORIGIN, 'give an origin, such as https://shop.example.com'))
      .default([])
      .describe('Origins whose pages may call the API from a browser; empty: none.'),
  })
  .prefault({});

const FOR_GITHUB = [
  ['repository', /^[\w.-]+\/[\w.-]+$/, 'owner/name'],
  [
    'connectionArn',
    /^arn:aws[a-z-]*:code(connections|star-connections):/,
    'arn:aws:codeconnections:<region>:<account>:connection/<id>',
  ],
] as const;

/** Where the pipelines take the code from. */
const source = z
  .strictObject({
    provider: z
      .enum(['codecommit', 'github'])
      .default('codecommit')
      .describe(
        'Where pipelines take the code from: repositories of CodeCommit, or GitHub through CodeConnections.',
      ),
    branch: text(
      [/^\S+$/, 'give the name of a branch, such as main'],
      'main',
      'Branch whose pushes are deployed.',
    ),
    repository: z.string().default('').describe('github only: owner/name of the repository.'),
    connectionArn: z.string().default('').describe('github only: ARN of the CodeConnections connection.'),
  })
  .check(({ value, issues }) => {
    if (value.provider !== 'github') return;
    for (const [field, pattern, example] of FOR_GITHUB)
      if (!pattern.test(value[field]))
        issues.push(conflict(field, `source.provider is github, give ${example}`));
  })
  .prefault({});

/** How the model is trained, judged and served. */
const learning = z
  .strictObject({
    trainingInstanceType: gpuInstanceType
      .default('ml.g4dn.xlarge')
      .describe('Instance type of a training job; it needs a GPU.'),
    trainingSpot: flag(
      true,
      'Train on spot capacity: much cheaper; interrupted jobs resume from their checkpoint.',
    ),
    trainingHours: count([1, 72], 4, 'Hours after which a training job is stopped.'),
    processingInstanceType: instanceType
      .default('ml.m5.large')
      .describe('Instance type of the evaluation and deployment jobs.'),
    endpointInstanceType: instanceType
      .default('ml.m5.large')
      .describe('Type of the instances that serve the model.'),
    endpointMinInstances: count(INSTANCES, 1, 'Instances that always serve the model.'),
    endpointMaxInstances: count(INSTANCES, 2, 'Instances that autoscaling may use.'),
    servingImage: text(
      [
        /^tensorflow-inference:[\w.-]+$/,
        'give tensorflow-inference:<tag> with a tag of AWS Deep Learning Containers',
      ],
      'tensorflow-inference:2.20-cpu-py312-amzn2023-sagemaker-v1',
      'Image of TensorFlow Serving in the account of AWS Deep Learning Containers.',
    ),
    imageTag: text(IMAGE_TAG, 'initial', 'Tag of the learning image that the SageMaker pipelines run.'),
    minAccuracy: z
      .number()
      .min(0)
      .max(1)
      .default(0.9)
      .describe('Accuracy on the test photos below which a model is not deployed.'),
    approval: z
      .enum(['automatic', 'manual'])
      .default('automatic')
      .describe(
        'Whether a model that is accurate enough is deployed at once, or only after npm run model -- approve.',
      ),
    studio: flag(true, 'A SageMaker Studio domain with one user profile.'),
  })
  .check(({ value, issues }) => {
    issues.push(...ordered(value, 'endpointMinInstances', 'endpointMaxInstances'));
  })
  .prefault({});

/** Days that CloudWatch Logs accepts; any other number is refused by AWS only at apply. */
const RETENTION_DAYS = [
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
];

/** Log retention, alarms and notifications. */
const observability = z
  .strictObject({
    logRetentionDays: z
      .int()
      .refine(
        (days) => RETENTION_DAYS.includes(days),
        `CloudWatch Logs has no such retention, give one of ${RETENTION_DAYS.join(', ')}`,
      )
      .default(30)
      .describe('Days that logs are kept.'),
    alarmEmail: z
      .string()
      .refine(
        (address) => address === '' || z.email().safeParse(address).success,
        'give an e-mail address, such as ops@example.com',
      )
      .default('')
      .describe('E-mail address that alarms notify; AWS asks it for a confirmation. Empty: none.'),
    monthlyBudgetUsd: z
      .int()
      .min(0)
      .default(500)
      .describe(
        'Cost per month of which 80 % (actual) and 100 % (forecast) notify the alarm topic; 0: no budget.',
      ),
    firewallLogs: flag(false, 'Log the requests that the WAF sees, without cookies and credentials.'),
    flowLogs: flag(false, 'Log the connections in the VPC.'),
    bucketLogs: flag(
      false,
      'Log the requests for the buckets of photos and artifacts, in the bucket of access logs.',
    ),
    sharedLogGroups: flag(
      false,
      'Give logRetentionDays to the log groups that all SageMaker jobs of an account and region share, too; one deployment there at most, and before its first job.',
    ),
  })
  .prefault({});

/** Where Terraform keeps its state. */
const state = z
  .strictObject({
    bucket: optionalText(
      [/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'give the name of an S3 bucket'],
      'S3 bucket of the Terraform state, with a lock file beside it; empty: a file in the project.',
    ),
    region: optionalText(REGION, "The bucket's region; empty: the system's own."),
  })
  .prefault({});

/** All settings of the cloud. It holds no secret. */
export const configuration = z
  .strictObject({
    environment: z
      .enum(ENVIRONMENTS)
      .default('dev')
      .describe('Which deployment this is: it names the stack and picks safer defaults for prod.'),
    region: text(REGION, 'ap-northeast-2', 'AWS region of everything; the default is Seoul.'),
    anyRegion: flag(false, 'Accept a region that is newer than the list in stacks/config/regions.ts.'),
    account: text(
      [/^\d{12}$/, 'give the 12 digits of an AWS account'],
      '000000000000',
      'AWS account. The default plans without an account; AWS refuses to apply it.',
    ),
    namePrefix: text(
      [
        /^[a-z][a-z0-9]{0,9}$/,
        'give up to ten lower-case letters and digits that begin with a letter, such as app',
      ],
      'app',
      "First part of the resources' names.",
    ),
    nameSuffix: text(
      [/^[a-z0-9]{0,6}$/, 'give up to six lower-case letters and digits'],
      '',
      "Last part of the resources' names, so that two deployments share an account.",
    ),
    // S3 would refuse such an end of a bucket's name only at apply.
    bucketSuffix: optionalText(
      [
        /^[a-z0-9]([a-z0-9-]{0,28}[a-z0-9])?$/,
        'give up to thirty lower-case letters, digits and hyphens that neither begin nor end with a hyphen',
      ],
      "Last part of the buckets' names, which are unique in the world; empty: the account.",
    ),
    deletionProtection: flag(
      false,
      'Refuse to delete load balancers, and buckets and registries that hold something.',
    ),
    network,
    web: service,
    was: service,
    https,
    firewall,
    api,
    source,
    learning,
    observability,
    state,
  })
  .check(({ value: { https, region, anyRegion }, issues }) => {
    if (!anyRegion && !REGIONS.includes(region))
      issues.push(
        conflict(
          'region',
          `AWS has no such region as far as is known here, the nearest by name is ${closestMatch(region, [...REGIONS])}; set anyRegion to true if it is new`,
        ),
      );
    const [, certificateRegion] = CERTIFICATE_ARN.exec(https.certificateArn) ?? [];
    if (https.certificateArn && certificateRegion !== region)
      issues.push(
        conflict(
          'https.certificateArn',
          `a load balancer in ${region} takes certificates of that region only, request one there`,
        ),
      );
  });

export type Configuration = Readonly<z.output<typeof configuration>>;
/** A partial configuration. */
export type PartialConfiguration = z.input<typeof configuration>;
export type ServiceConfiguration = Configuration['web'];
