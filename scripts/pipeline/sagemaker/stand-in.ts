import { ENDPOINT } from '../../../services/contract.ts';
import { environmentWithoutAws, ServiceProcess } from '../../shared/processes.ts';
import { findRunningEndpoint, prepareServedModel } from '../../shared/served-model.ts';

/** The endpoint that answers on this machine. */
export interface StandIn {
  readonly url: string;
  /** Whether `npm start` runs it; else it is ours, and ends with us. */
  readonly shared: boolean;
  readonly stop: () => Promise<void>;
}

/**
 * The endpoint of `npm start` if it serves this folder, else one of our own.
 *
 * @param logFile for what our own prints
 */
export const useStandIn = async (folder: string, logFile: string): Promise<StandIn> => {
  const running = await findRunningEndpoint(folder);
  if (running !== undefined) return { url: running, shared: true, stop: async () => {} };
  await prepareServedModel(folder);
  const service = new ServiceProcess({
    name: 'endpoint',
    environment: {
      ...environmentWithoutAws(),
      HOST: '127.0.0.1',
      PORT: '0',
      LOG_LEVEL: 'info',
      MODEL_DIR: folder,
      ENDPOINT_NAME: ENDPOINT.name,
    },
    logFile,
    onExit: () => {},
  });
  return { url: await service.ready, shared: false, stop: () => service.stop() };
};
