import { pino } from 'pino';
import { loadBackend } from '../../model/backend/backend.ts';
import { ENDPOINT } from '../../services/contract.ts';
import { createEndpointApp } from '../../services/endpoint/app.ts';
import { ModelStore } from '../../services/endpoint/models.ts';

/** A model served within this process, where no client can reach it. */
export type LocalTrial = ReturnType<typeof createEndpointApp>;

/** @throws Error if the folder's model cannot be served */
export const loadTrial = async (directory: string): Promise<LocalTrial> => {
  await loadBackend();
  const store = await ModelStore.load({ directory });
  return createEndpointApp({ store, endpointName: ENDPOINT.name, log: pino({ level: 'silent' }) });
};
