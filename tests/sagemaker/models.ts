import { z } from 'zod';
import { modelArn } from './arns.ts';
import { invalid } from './aws-error.ts';

/** How a model fares on an endpoint. */
export interface ModelBehaviour {
  /** Whether its container gets ready: in time, never so that SageMaker gives up, or never and SageMaker waits on. */
  readonly container?: 'ready' | 'broken' | 'stuck';
  /** Alarms that go off while it serves. */
  readonly alarms?: readonly string[];
  /** Fields of its answer to a photo that differ from a good one; or the whole text. */
  readonly answer?: Readonly<Record<string, unknown>> | string;
}

interface Model extends Required<ModelBehaviour> {
  readonly name: string;
}

const createInput = z.looseObject({ ModelName: z.string().regex(/^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}$/) });

/** Models of SageMaker: image and artifact. */
export class Models {
  readonly #models = new Map<string, Model>();
  readonly #behaviours = new Map<string, ModelBehaviour>();

  /** Lays down how a model of this name fares. */
  behave(name: string, behaviour: ModelBehaviour): void {
    this.#behaviours.set(name, behaviour);
  }

  /** Makes a model, as the pipeline's step before does. */
  add(name: string, behaviour: ModelBehaviour = {}): void {
    this.behave(name, behaviour);
    this.create({ ModelName: name });
  }

  readonly create = (input: unknown): object => {
    const { ModelName: name } = createInput.parse(input);
    if (this.#models.has(name)) throw invalid(`Cannot create already existing model "${modelArn(name)}".`);
    this.#models.set(name, {
      name,
      container: 'ready',
      alarms: [],
      answer: {},
      ...this.#behaviours.get(name),
    });
    return { ModelArn: modelArn(name) };
  };

  readonly describe = (input: unknown): object => {
    const { name } = this.get(createInput.parse(input).ModelName);
    return { ModelName: name, ModelArn: modelArn(name), CreationTime: 0 };
  };

  get(name: string): Model {
    const model = this.#models.get(name);
    if (!model) throw invalid(`Could not find model "${modelArn(name)}".`);
    return model;
  }
}
