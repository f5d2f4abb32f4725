import { z } from 'zod';

/** What JSON can hold. */
export type Json = z.core.util.JSONType;

/** Attributes of a resource, or any other JSON object. */
export type Values = Readonly<Record<string, Json>>;

export const values = z.record(z.string(), z.json());

export const isObject = (value: Json | undefined): value is { [key: string]: Json } =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export const asList = (value: Json | undefined): readonly Json[] => {
  if (value === undefined || value === null) return [];
  return Array.isArray(value) ? value : [value];
};

/** @returns what a text holds when it is an object or a list in JSON, else nothing */
export const parseStructure = (text: string): Json | undefined => {
  if (!/^\s*[[{]/.test(text)) return undefined;
  try {
    return z.json().parse(JSON.parse(text));
  } catch {
    return undefined;
  }
};

/** What lies at a path of keys and indexes. */
export const reach = (value: Json | undefined, path: readonly (string | number)[]): Json | undefined => {
  const [step, ...rest] = path;
  if (step === undefined) return value;
  if (Array.isArray(value)) return reach(value[Number(step)], rest);
  return isObject(value) ? reach(value[step], rest) : undefined;
};
