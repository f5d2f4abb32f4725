import { IN_ALL, testMistakes } from './testing.ts';

testMistakes('what stands where nothing is read is told', [
  {
    what: 'an unknown field',
    bloomstack: { all: { web: { memmory: 2048 } } },
    problem: `web.memmory (${IN_ALL}.web.memmory) is no field, did you mean web.memory?`,
  },
  {
    what: 'an unknown section, for an environment that is not the chosen one',
    bloomstack: { environments: { prod: { wbe: { memory: 2048 } } } },
    problem: 'wbe (cdktf.json, context.bloomstack.environments.prod.wbe) is no field, did you mean web?',
  },
  {
    what: 'an unknown variable',
    env: { BLOOMSTACK_WEB_MEMMORY: '2048' },
    problem:
      'BLOOMSTACK_WEB_MEMMORY is no variable of the configuration, did you mean BLOOMSTACK_WEB_MEMORY?',
  },
  {
    what: 'an unknown variable that is empty',
    env: { BLOOMSTACK_REGOIN: '' },
    problem: 'BLOOMSTACK_REGOIN is no variable of the configuration, did you mean BLOOMSTACK_REGION?',
  },
  {
    what: 'a field outside the layers',
    bloomstack: { region: 'eu-west-1' },
    problem:
      'cdktf.json, context.bloomstack.region is not known, write a field in context.bloomstack.all or in context.bloomstack.environments.<environment>.',
  },
  {
    what: 'an environment that there is not, in the context',
    bloomstack: { environments: { staging: {} } },
    problem:
      'cdktf.json, context.bloomstack.environments.staging is for no environment that there is, give dev or prod.',
  },
  {
    what: 'an environment that there is not, chosen by the context',
    bloomstack: { environment: 'production' },
    problem: 'environment (cdktf.json, context.bloomstack.environment) is "production": give dev or prod.',
  },
  {
    what: 'an environment that there is not, chosen by the variable',
    env: { BLOOMSTACK_ENVIRONMENT: 'staging' },
    problem: 'environment (BLOOMSTACK_ENVIRONMENT) is "staging": give dev or prod.',
  },
  {
    what: 'an environment chosen within a layer',
    bloomstack: { all: { environment: 'prod' } },
    problem: `environment (${IN_ALL}.environment) cannot be chosen there, write it in cdktf.json, context.bloomstack.environment.`,
  },
  {
    what: 'a context that is no object',
    bloomstack: 'dev',
    problem: 'cdktf.json, context.bloomstack is no object, give one as in docs/configuration.md.',
  },
  {
    what: 'a section that is no object',
    bloomstack: { all: { web: 5 } },
    problem: `${IN_ALL}.web is 5: give an object of fields, such as {"cpu":512}.`,
  },
  {
    what: 'a layer that is no object',
    bloomstack: { all: [] },
    problem: `${IN_ALL} is []: give an object of fields, such as {"region":"ap-northeast-2"}.`,
  },
]);
