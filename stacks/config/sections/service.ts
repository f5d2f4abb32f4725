import { z } from 'zod';
import { conflict } from '../conflict.ts';
import { imageTag } from '../formats.ts';

/** Fargate's allowed memory (MiB) for each CPU size (units of 1/1024 vCPU). Source: "Fargate task size", ECS guide. */
const FARGATE_MEMORY: Readonly<Record<number, { from: number; to: number; step: number }>> = {
  256: { from: 512, to: 2048, step: 1024 },
  512: { from: 1024, to: 4096, step: 1024 },
  1024: { from: 2048, to: 8192, step: 1024 },
  2048: { from: 4096, to: 16_384, step: 1024 },
  4096: { from: 8192, to: 30_720, step: 1024 },
  8192: { from: 16_384, to: 61_440, step: 4096 },
  16384: { from: 32_768, to: 122_880, step: 8192 },
};
const CPU_SIZES = Object.keys(FARGATE_MEMORY).map(Number);

const memoriesOf = (cpu: number): readonly number[] => {
  const range = FARGATE_MEMORY[cpu];
  if (!range) return [];
  const steps = Array.from({ length: range.to / range.step }, (_, index) => (index + 1) * range.step);
  return [...new Set([range.from, ...steps.filter((memory) => memory >= range.from)])];
};

const closest = (sizes: readonly number[], wanted: number): number =>
  sizes.reduce((best, size) => (Math.abs(size - wanted) < Math.abs(best - wanted) ? size : best));

/** A service on Fargate: the size of its tasks, and how many there are. */
export const service = z
  .strictObject({
    cpu: z
      .int()
      .refine((cpu) => CPU_SIZES.includes(cpu), {
        error: `Fargate has no such size, give one of ${CPU_SIZES.join(', ')}`,
        abort: true,
      })
      .default(512)
      .describe(`CPU of one task in units of 1/1024 vCPU: ${CPU_SIZES.join(', ')}.`),
    memory: z
      .int()
      .default(1024)
      .describe('Memory of one task in MiB; Fargate allows certain pairs with CPU.'),
    minTasks: z.int().min(1).max(100).default(2).describe('Tasks that always run.'),
    maxTasks: z.int().min(1).max(100).default(4).describe('Tasks that autoscaling may run.'),
    imageTag: imageTag
      .default('initial')
      .describe(
        'Tag of the image that the very first deployment runs; afterwards the pipeline owns the image.',
      ),
  })
  .check(({ value, issues }) => {
    if (value.minTasks > value.maxTasks)
      issues.push(
        conflict({
          field: 'minTasks',
          because: ['maxTasks'],
          message: `that is above maxTasks (${value.maxTasks}), lower it or raise maxTasks`,
        }),
      );
    const memories = memoriesOf(value.cpu);
    if (!memories.includes(value.memory))
      issues.push(
        conflict({
          field: 'memory',
          because: ['cpu'],
          message: `with cpu ${value.cpu} Fargate allows ${memories[0]} to ${memories.at(-1)} MiB, the nearest is ${closest(memories, value.memory)}`,
        }),
      );
  })
  .prefault({});
