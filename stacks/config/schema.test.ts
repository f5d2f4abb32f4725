import { IN_ALL, testMistakes } from './testing.ts';

const INSTANCE = 'learning.trainingInstanceType (BLOOMSTACK_LEARNING_TRAINING_INSTANCE_TYPE)';
const trainingOn = (type: string) => ({ BLOOMSTACK_LEARNING_TRAINING_INSTANCE_TYPE: type });

testMistakes('a value that breaks a rule is told', [
  {
    what: 'more tasks always than at most',
    bloomstack: { all: { web: { minTasks: 5 } } },
    problem: `web.minTasks (${IN_ALL}.web.minTasks) is 5: that is above maxTasks (4), lower it or raise maxTasks.`,
  },
  {
    what: 'fewer tasks at most than the default always',
    env: { BLOOMSTACK_WAS_MAX_TASKS: '1' },
    problem:
      'was.minTasks (default, with was.maxTasks from BLOOMSTACK_WAS_MAX_TASKS) is 2: that is above maxTasks (1), lower it or raise maxTasks.',
  },
  {
    what: "fewer machines at most than prod's default always",
    bloomstack: { environment: 'prod', all: { learning: { endpointMaxInstances: 1 } } },
    problem: `learning.endpointMinInstances (default of prod, with learning.endpointMaxInstances from ${IN_ALL}.learning.endpointMaxInstances) is 2: that is above endpointMaxInstances (1), lower it or raise endpointMaxInstances.`,
  },
  {
    what: 'a retired machine',
    env: trainingOn('ml.p3.2xlarge'),
    problem: `${INSTANCE} is "ml.p3.2xlarge": ml.p2 and ml.p3 are retired, take ml.g4dn.xlarge.`,
  },
  {
    what: 'a machine of EC2',
    env: trainingOn('t3.large'),
    problem: `${INSTANCE} is "t3.large": give a SageMaker instance type, such as ml.m5.large.`,
  },
  {
    what: 'a machine without a GPU for training',
    env: trainingOn('ml.m5.large'),
    problem: `${INSTANCE} is "ml.m5.large": training needs a GPU, take a size of ml.g4dn, ml.g5, ml.g6, ml.g6e, ml.p4d, ml.p4de, ml.p5, such as ml.g4dn.xlarge.`,
  },
  {
    what: 'an Arm machine',
    env: { BLOOMSTACK_LEARNING_ENDPOINT_INSTANCE_TYPE: 'ml.c7g.large' },
    problem:
      'learning.endpointInstanceType (BLOOMSTACK_LEARNING_ENDPOINT_INSTANCE_TYPE) is "ml.c7g.large": that is an Arm machine and the images are built for x86-64, take one such as ml.m5.large.',
  },
  {
    what: 'a domain without a certificate',
    env: { BLOOMSTACK_HTTPS_DOMAIN: 'flowers.example.com' },
    problem:
      'https.certificateArn (default, with https.domain from BLOOMSTACK_HTTPS_DOMAIN) is "": https.domain is set and HTTPS needs a certificate, request one in ACM and give its ARN.',
  },
  {
    what: 'a certificate of another region',
    env: { BLOOMSTACK_HTTPS_CERTIFICATE_ARN: 'arn:aws:acm:us-east-1:123456789012:certificate/0a1b' },
    problem:
      'https.certificateArn (BLOOMSTACK_HTTPS_CERTIFICATE_ARN) is "arn:aws:acm:us-east-1:123456789012:certificate/0a1b": a load balancer in ap-northeast-2 takes certificates of that region only, request one there.',
  },
  {
    what: 'GitHub without a repository',
    env: {
      BLOOMSTACK_SOURCE_PROVIDER: 'github',
      BLOOMSTACK_SOURCE_CONNECTION_ARN: 'arn:aws:codeconnections:ap-northeast-2:123456789012:connection/0a1b',
    },
    problem:
      'source.repository (default, with source.provider from BLOOMSTACK_SOURCE_PROVIDER) is "": source.provider is github, give owner/name.',
  },
  {
    what: 'a time that logs cannot be kept',
    env: { BLOOMSTACK_OBSERVABILITY_LOG_RETENTION_DAYS: '31' },
    problem:
      'observability.logRetentionDays (BLOOMSTACK_OBSERVABILITY_LOG_RETENTION_DAYS) is 31: CloudWatch Logs keeps no such time, give one of 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653.',
  },
  {
    what: 'memory that Fargate does not pair with the CPU',
    env: { BLOOMSTACK_WEB_CPU: '256', BLOOMSTACK_WEB_MEMORY: '4096' },
    problem:
      'web.memory (BLOOMSTACK_WEB_MEMORY, with web.cpu from BLOOMSTACK_WEB_CPU) is 4096: with cpu 256 Fargate allows 512 to 2048 MiB, the nearest is 2048.',
  },
  {
    what: 'a CPU size that Fargate does not have',
    env: { BLOOMSTACK_WEB_CPU: '300' },
    problem:
      'web.cpu (BLOOMSTACK_WEB_CPU) is 300: Fargate has no such size, give one of 256, 512, 1024, 2048, 4096, 8192, 16384.',
  },
  {
    what: 'a wrong account',
    env: { BLOOMSTACK_ACCOUNT: '1234' },
    problem: 'account (BLOOMSTACK_ACCOUNT) is "1234": give the 12 digits of an AWS account.',
  },
  {
    what: 'an account that JSON holds as a number',
    bloomstack: { all: { account: 123456789012 } },
    problem: `account (${IN_ALL}.account) is 123456789012: give a text in quotation marks, such as "000000000000".`,
  },
  {
    what: 'memory that is no number',
    env: { BLOOMSTACK_WEB_MEMORY: '2 GB' },
    problem: 'web.memory (BLOOMSTACK_WEB_MEMORY) is "2 GB": give a whole number, such as 1024.',
  },
  {
    what: 'a number outside its range',
    env: { BLOOMSTACK_LEARNING_MIN_ACCURACY: '90' },
    problem:
      'learning.minAccuracy (BLOOMSTACK_LEARNING_MIN_ACCURACY) is 90: give a number from 0 to 1, such as 0.9.',
  },
  {
    what: 'a switch that is neither on nor off',
    env: { BLOOMSTACK_LEARNING_STUDIO: 'yes' },
    problem: 'learning.studio (BLOOMSTACK_LEARNING_STUDIO) is "yes": give true or false.',
  },
  {
    what: 'a word that is none of the choices',
    env: { BLOOMSTACK_NETWORK_NAT: 'two' },
    problem: 'network.nat (BLOOMSTACK_NETWORK_NAT) is "two": give one or per-zone.',
  },
  {
    what: 'a list that JSON holds as a text',
    bloomstack: { all: { network: { zones: 'a,c' } } },
    problem: `network.zones (${IN_ALL}.network.zones) is "a,c": give a list of texts, such as ["a","c"].`,
  },
  {
    what: "a bucket's name that would end with a hyphen",
    env: { BLOOMSTACK_BUCKET_SUFFIX: 'garden-' },
    problem:
      'bucketSuffix (BLOOMSTACK_BUCKET_SUFFIX) is "garden-": give up to thirty lower-case letters, digits and hyphens that neither begin nor end with a hyphen.',
  },
]);
