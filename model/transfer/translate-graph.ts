import { ExportError, type Graph, type Node } from '../savedmodel/graph.ts';
import type { GraphDefNode } from './graph-def.ts';
import { graphOperations } from './graph-operations.ts';
import type { Constant, GraphReader } from './graph-reader.ts';
import { NodeAttributes } from './node-attributes.ts';

/** Keeps the backbone's names apart from those of the graph around it. */
const PREFIX = 'backbone';

/** Numbers such as a divisor stay exact; they weigh nothing. */
const writeConstant = (graph: Graph, name: string, { values, shape }: Constant): Node => {
  const [number] = values;
  return values.length === 1 && shape.length === 0 && number !== undefined
    ? graph.scalar(name, number)
    : graph.weights(name, Float32Array.from(values), shape);
};

/**
 * Writes a TensorFlow.js graph model into one of TensorFlow's own graphs, node by node, from some of its nodes back to
 * where the photos come in.
 *
 * @param ends the nodes to be computed
 * @param start the node in whose place `photos` comes
 * @returns the new nodes of `ends`
 * @throws ExportError for an operation, or a setting of one, that has no exact counterpart; it names the node
 */
export const translateGraph = (
  graph: Graph,
  reader: GraphReader,
  ends: readonly GraphDefNode[],
  start: GraphDefNode,
  photos: Node,
): Node[] => {
  const written = new Map([[start.name, photos]]);

  const producerOf = (node: GraphDefNode, input: string | undefined): GraphDefNode => {
    const producer = input === undefined ? undefined : reader.producer(input);
    if (producer) return producer;
    throw new ExportError(
      `${node.name} (${node.op})`,
      `its input ${input ?? '(absent)'} is not in the model.`,
    );
  };

  const write = (node: GraphDefNode): Node => {
    const done = written.get(node.name);
    if (done !== undefined) return done;
    const name = `${PREFIX}/${node.name}`;
    const result = node.op === 'Const' ? writeConstant(graph, name, constantOf(node)) : translate(node, name);
    written.set(node.name, result);
    return result;
  };

  const constantOf = (node: GraphDefNode): Constant => {
    const constant = reader.constant(node.name);
    if (constant) return constant;
    throw new ExportError(`${node.name} (${node.op})`, 'its value is not among the weights.');
  };

  const translate = (node: GraphDefNode, name: string): Node => {
    const operation = graphOperations.get(node.op);
    if (!operation) {
      const known = [...graphOperations.keys()].join(', ');
      throw new ExportError(
        node.name,
        `its operation ${node.op} is not supported; use a network of ${known}.`,
      );
    }
    const inputs = reader.inputs(node);
    return operation({
      graph,
      node,
      name,
      attributes: new NodeAttributes(node),
      inputCount: inputs.length,
      input: (index) => write(producerOf(node, inputs[index])),
      constant: (index) => {
        const constant = reader.constant(inputs[index]);
        if (constant) return constant;
        throw new ExportError(`${node.name} (${node.op})`, `its input ${index} must be constant.`);
      },
    });
  };

  return ends.map(write);
};
