import { AwsProvider } from '@cdktf/provider-aws/lib/provider/index.js';
import { LocalBackend, TerraformStack } from 'cdktf';
import type { Construct } from 'constructs';
import { WAS, WEB } from '../services/contract/services.ts';
import { ImageRepository } from './image-repository.ts';

export interface BloomstackStackProps {
  /** Region of everything. @default ap-northeast-2 (Seoul) */
  readonly region?: string;
}

/** The system in one stack, so that its whole plan can be read before anything is applied. */
export class BloomstackStack extends TerraformStack {
  constructor(scope: Construct, id: string, { region = 'ap-northeast-2' }: BloomstackStackProps = {}) {
    super(scope, id);
    // Without a path of its own the state would be written to an absolute one, different on every machine.
    new LocalBackend(this, { path: `terraform.${id}.tfstate` });
    new AwsProvider(this, 'aws', { region, defaultTags: [{ tags: { project: 'bloomstack' } }] });
    for (const { name } of [WEB, WAS]) new ImageRepository(this, `${name}-repository`, { name });
  }
}
