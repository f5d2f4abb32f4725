import type { DecodedModel } from '../savedmodel/decode.ts';
import { SavedModelError } from '../savedmodel/errors.ts';
import type { NetworkWriter } from '../savedmodel/serving-graph.ts';

/** Where, in a graph that `buildServingGraph` made, the network begins and ends. */
const PHOTOS = 'both';

/** Names of the nodes that the classifier of our own network ends with. */
export interface NetworkEnds {
  readonly features: string;
  readonly logits: string;
}

/**
 * The network of a model that is exported already: its nodes are copied as they are, weights and all, so that it can be
 * exported again with other things around it.
 *
 * @param model a model of `buildServingGraph`
 * @throws SavedModelError when a node is missing
 */
export const decodedNetwork =
  ({ nodes }: DecodedModel, { features, logits }: NetworkEnds): NetworkWriter =>
  (graph, photos) => {
    const written = new Map([[PHOTOS, photos]]);
    const copy = (name: string): string => {
      const done = written.get(name);
      if (done !== undefined) return done;
      const node = nodes.get(name);
      if (!node) throw new SavedModelError(`The model has no node ${name}: it is not one of ours.`);
      const inputs = node.input.map(copy);
      written.set(name, graph.add(node.op, name, inputs, node.attr));
      return name;
    };
    return { logits: copy(logits), features: copy(features) };
  };
