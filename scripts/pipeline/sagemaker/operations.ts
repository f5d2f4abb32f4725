import { z } from 'zod';
import { AwsError } from './errors.ts';

/** Answers a request of AWS's JSON protocol. */
export type Operation = (body: unknown) => Promise<object>;

/** @throws AwsError for a body that the operation cannot take */
export const operation =
  <T extends z.ZodType>(schema: T, answer: (request: z.output<T>) => Promise<object> | object): Operation =>
  async (body) => {
    const { data, error } = schema.safeParse(body);
    if (error) throw new AwsError('ValidationException', z.prettifyError(error), { cause: error });
    return answer(data);
  };

export const name = z.string().regex(/^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}$/);
