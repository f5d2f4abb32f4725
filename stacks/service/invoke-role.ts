import { IamPolicy } from '@cdktf/provider-aws/lib/iam-policy/index.js';
import { IamRolePolicyAttachment } from '@cdktf/provider-aws/lib/iam-role-policy-attachment/index.js';
import type { Construct } from 'constructs';
import type { Deployment } from '../deployment.ts';
import { identityPolicy } from '../iam/policy.ts';
import { Role } from '../iam/role.ts';

/** The role of the WAS's code: it may invoke the one endpoint, and nothing else. */
export const createInvokeRole = (scope: Construct, id: string, deployment: Deployment): Role => {
  const { arns, names } = deployment;
  const role = new Role(scope, `${id}-role`, {
    deployment,
    name: names.was.taskRole,
    description: `Used by ${names.was.service} to invoke the endpoint`,
    service: 'ecs-tasks.amazonaws.com',
  });
  const policy = new IamPolicy(scope, `${id}-policy`, {
    name: names.was.invokePolicy,
    description: `Ask the endpoint ${names.learning.endpoint}`,
    policy: identityPolicy([
      {
        sid: 'InvokeEndpoint',
        actions: ['sagemaker:InvokeEndpoint'],
        resources: [arns.sagemaker('endpoint', names.learning.endpoint)],
      },
    ]),
  });
  new IamRolePolicyAttachment(scope, `${id}-policy-attachment`, {
    role: role.resource.name,
    policyArn: policy.arn,
  });
  return role;
};
