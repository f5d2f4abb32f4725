import { pino } from 'pino';
import { loadBackend } from '../../model/backend/backend.ts';
import { layersNetwork } from '../../model/savedmodel/export-layers.ts';
import { decodeSavedModel, encodeSavedModel } from '../../model/savedmodel/file.ts';
import { GraphRunner } from '../../model/savedmodel/run.ts';
import { buildServingGraph } from '../../model/savedmodel/serving-graph.ts';
import { buildNetwork } from '../../model/training/network.ts';
import { createEndpointApp } from './app.ts';
import { ModelStore } from './models.ts';

export const TEST_LABELS = ['astilbe', 'bellflower', 'unheard_of_flower'] as const;
export const TEST_VERSION = '7';

/** The bytes of a real SavedModel around a tiny, untrained network. */
export const tinySavedModel = (version: string = TEST_VERSION): Uint8Array =>
  encodeSavedModel(
    buildServingGraph(layersNetwork(buildNetwork({ classes: TEST_LABELS.length, stem: 4, blocks: [6, 8] })), {
      labels: TEST_LABELS,
      version,
    }),
  );

/** The endpoint emulator around {@link tinySavedModel}, on WebAssembly. */
export const tinyEndpoint = async () => {
  await loadBackend({ native: false });
  const runner = new GraphRunner(decodeSavedModel(tinySavedModel()));
  const store = new ModelStore({
    models: [{ name: 'image-classifier', version: TEST_VERSION, runner }],
  });
  return createEndpointApp({ store, endpointName: 'image-classifier', log: pino({ level: 'silent' }) });
};
