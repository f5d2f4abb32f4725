import { GetCallerIdentityCommand, STSClient, STSServiceException } from '@aws-sdk/client-sts';
import { z } from 'zod';

/** The configuration's default account: it plans, and AWS refuses to apply it. */
export const PLACEHOLDER_ACCOUNT = '000000000000';

export interface Caller {
  readonly account: string;
  readonly arn: string;
}

const identity = z.object({ Account: z.string(), Arn: z.string() });

/**
 * A client that soon knows whether AWS answers.
 *
 * @param answerMs silence after which it does not
 */
export const createStsClient = (region: string, answerMs = 10_000): STSClient =>
  new STSClient({
    region,
    maxAttempts: 2,
    requestHandler: { connectionTimeout: 3000, socketTimeout: answerMs },
  });

const REFRESH =
  'Renew them (for SSO: aws sso login), or unset them to work without; npm run plan -- --offline needs none.';

/**
 * Whose credentials the AWS SDK finds here.
 *
 * @returns nothing when there are none at all
 * @throws Error when there are some that do not work, or AWS does not answer
 */
export const findCaller = async (
  client: STSClient,
  environment: NodeJS.ProcessEnv = process.env,
): Promise<Caller | undefined> => {
  try {
    const { Account: account, Arn: arn } = identity.parse(
      await client.send(new GetCallerIdentityCommand({})),
    );
    return { account, arn };
  } catch (cause) {
    if (!(cause instanceof Error)) throw cause;
    if (cause instanceof STSServiceException)
      throw new Error(
        `AWS refuses the credentials found here: ${cause.message} (${cause.name}). ${REFRESH}`,
        {
          cause,
        },
      );
    if (cause.name !== 'CredentialsProviderError')
      throw new Error(
        `AWS STS did not answer (${cause.message}). Check the network and proxy, or use npm run plan -- --offline.`,
        { cause },
      );
    // The end of the SDK's chain of providers; any other message is of a provider that is set up and fails.
    const nothing = cause.message.includes('Could not load credentials from any providers');
    const profile = environment['AWS_PROFILE'];
    if (nothing && profile === undefined) return undefined;
    const why = nothing ? `the profile ${profile} (AWS_PROFILE) gives none` : cause.message;
    throw new Error(`The AWS credentials cannot be used: ${why}. ${REFRESH}`, { cause });
  }
};

/**
 * As `findCaller`, for what cannot be done without AWS.
 *
 * @throws Error when there are no credentials
 */
export const requireCaller = async (client: STSClient): Promise<Caller> => {
  const caller = await findCaller(client);
  if (caller) return caller;
  throw new Error(
    'No AWS credentials found. Log in (aws sso login, aws configure) or set AWS_PROFILE; npm run plan needs none.',
  );
};

/**
 * The account to deploy to.
 *
 * @throws Error when the configuration names another account than the caller's
 */
export const chooseAccount = (configured: string, caller: Caller): string => {
  if (configured === PLACEHOLDER_ACCOUNT || configured === caller.account) return caller.account;
  throw new Error(
    `The configuration is for account ${configured}, but these credentials belong to account ${caller.account} (${caller.arn}). ` +
      'Use credentials of the configured account, or change the setting "account" (BLOOMSTACK_ACCOUNT).',
  );
};
