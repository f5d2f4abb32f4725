/**
 * What child processes get of our environment: all but AWS's variables, so that real credentials and profiles never
 * reach what runs on this machine instead of on AWS.
 */
export const environmentWithoutAws = (environment: NodeJS.ProcessEnv = process.env): Record<string, string> =>
  Object.fromEntries(
    Object.entries(environment).flatMap(([name, value]) =>
      value === undefined || name.startsWith('AWS_') ? [] : [[name, value]],
    ),
  );

/** The AWS SDK's standard variables for a caller of stand-ins on this machine; the credentials are made up. */
export const LOCAL_AWS = {
  AWS_REGION: 'ap-northeast-2',
  AWS_ACCESS_KEY_ID: 'local',
  AWS_SECRET_ACCESS_KEY: 'local',
  // Its advice to leave Node 20 is for those who run the cloud, not for who tries this out.
  AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
} as const;
