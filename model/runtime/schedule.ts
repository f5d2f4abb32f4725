import type { DecodedModel } from '../savedmodel/decode.ts';
import { SavedModelError } from '../savedmodel/errors.ts';
import type { NodeDef } from '../savedmodel/proto/tensorflow_pb.ts';

/** One node to compute. */
export interface Step {
  readonly node: NodeDef;
  /** The nodes whose values it takes. */
  readonly inputs: readonly string[];
  /** The nodes whose values nobody reads after it. */
  readonly releases: readonly string[];
}

/** The nodes that lead to the outputs of a signature, each after its inputs. */
export interface Schedule {
  /** What depends on no input of the signature: to be computed once. */
  readonly constant: readonly Step[];
  /** What depends on an input: to be computed for every request. */
  readonly variable: readonly Step[];
}

/** `name:0` and `name` are the same: our operations have one output. Control edges (`^name`) compute nothing. */
export const nodeName = (edge: string): string => {
  if (/:[1-9]/.test(edge) || edge.startsWith('^'))
    throw new SavedModelError(`The edge ${edge} is not supported: only first outputs are.`);
  return edge.replace(/:0$/, '');
};

type Dependence = 'constant' | 'variable';

/** Finds the nodes that lead to the outputs, inputs first. */
const order = (model: DecodedModel, outputs: readonly string[]) => {
  const nodes: Record<Dependence, NodeDef[]> = { constant: [], variable: [] };
  const known = new Map<string, Dependence | 'in progress'>();
  const visit = (name: string): Dependence => {
    const before = known.get(name);
    if (before === 'in progress')
      throw new SavedModelError(`The graph goes round in a circle through the node ${name}.`);
    if (before !== undefined) return before;
    const node = model.nodes.get(name);
    if (node === undefined) throw new SavedModelError(`The graph has no node ${name}.`);
    known.set(name, 'in progress');
    const inputs = node.input.map((edge) => visit(nodeName(edge)));
    const dependence = node.op === 'Placeholder' || inputs.includes('variable') ? 'variable' : 'constant';
    known.set(name, dependence);
    if (node.op !== 'Placeholder') nodes[dependence].push(node);
    return dependence;
  };
  for (const output of outputs) visit(output);
  return nodes;
};

/** Walks backwards, so that the first reader met of a value is its last. */
const withReleases = (nodes: readonly NodeDef[], needed: ReadonlySet<string>): Step[] => {
  const read = new Set(needed);
  const steps = nodes.toReversed().map((node): Step => {
    const inputs = node.input.map(nodeName);
    const releases = [...new Set(inputs)].filter((input) => !read.has(input));
    for (const input of releases) read.add(input);
    return { node, inputs, releases };
  });
  return steps.reverse();
};

/**
 * Decides in which order a graph is computed, what of it once, and until when each value is needed: a network then takes
 * the memory of its largest layers, not of all of them.
 *
 * @throws SavedModelError for a node that is missing, an edge that is not supported, or a graph with a circle
 */
export const scheduleOf = (model: DecodedModel): Schedule => {
  const outputs = Object.values(model.signature.outputs).map(({ name }) => nodeName(name));
  const { constant, variable } = order(model, outputs);
  const ofEveryRun = new Set(constant.map(({ name }) => name));
  const readByRuns = variable.flatMap(({ input }) => input.map(nodeName));
  return {
    constant: withReleases(constant, new Set([...outputs, ...readByRuns])),
    variable: withReleases(variable, new Set([...outputs, ...ofEveryRun])),
  };
};
