import { findMoto, MISSING_MOTO, startMoto } from './moto.ts';
import { overlays } from './overlay/overlays.ts';
import { startProxy } from './proxy.ts';

export { MISSING_MOTO } from './moto.ts';
export { ACCOUNT } from './overlay/overlay.ts';

export interface Emulator {
  /** For AWS_ENDPOINT_URL. */
  readonly url: string;
  readonly stop: () => Promise<void>;
}

/** @returns the path of the program that the emulator needs, undefined when it is not there */
export const findEmulator = (): string | undefined => findMoto();

/**
 * Starts an empty AWS account on this machine: moto, with overlays for what it lacks for our stack.
 *
 * @throws Error when moto_server is missing or does not start
 */
export const startEmulator = async (): Promise<Emulator> => {
  const command = findEmulator();
  if (command === undefined) throw new Error(`The AWS emulator is missing: ${MISSING_MOTO}`);
  const moto = await startMoto(command);
  const proxy = await startProxy(moto.url, overlays());
  return {
    url: proxy.url,
    stop: async () => {
      await proxy.stop();
      await moto.stop();
    },
  };
};

/**
 * What Terraform must be told to talk to the emulator: write it as `emulator_override.tf.json` beside the stack and set
 * AWS_ENDPOINT_URL, so that the stack itself knows nothing of an emulator.
 */
export const emulatorOverride = () => ({
  provider: {
    aws: [
      {
        access_key: 'emulator',
        secret_key: 'emulator',
        max_retries: 2,
        s3_use_path_style: true,
        skip_credentials_validation: true,
        skip_metadata_api_check: 'true',
      },
    ],
  },
});
