import type { SynthesizedStack } from './synth.ts';

/** What images are built with: the registries, the store that the source is taken from, and the build projects. */
const AREAS = ['images/', 'delivery/artifacts/'];
const BUILD_PROJECT = 'aws_codebuild_project';

/**
 * Options of `terraform plan` that limit it to what images are built with. Terraform adds what these depend on, such as
 * roles.
 */
export const seedTargets = ({ json }: SynthesizedStack): string[] =>
  Object.entries(json.resource).flatMap(([type, byName]) =>
    Object.entries(byName).flatMap(([name, { '//': about }]) => {
      const path = about.metadata.path.split('/').slice(1).join('/');
      const wanted = type === BUILD_PROJECT || AREAS.some((area) => path.startsWith(area));
      return wanted ? [`-target=${type}.${name}`] : [];
    }),
  );
