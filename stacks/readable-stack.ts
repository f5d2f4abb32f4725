import { TerraformElement, TerraformStack } from 'cdktf';
import type { Node } from 'constructs';

/** A construct's main resource has this id and is addressed by the construct's own path. */
const MAIN = 'Resource';

/**
 * A stack whose resources are addressed by their construct's path: `web/alb` is `aws_lb.web-alb`. cdktf would add a
 * hash to make paths unique; here two equal addresses are an error instead.
 *
 * Renaming or re-nesting a construct changes the address, and Terraform then replaces the resource.
 */
export class ReadableStack extends TerraformStack {
  readonly #paths = new Map<string, string>();

  protected override allocateLogicalId(element: TerraformElement | Node): string {
    const node = TerraformElement.isTerraformElement(element) ? element.node : element;
    const path = node.scopes.slice(node.scopes.indexOf(this) + 1).map(({ node: { id } }) => id);
    const address = path.filter((id) => id !== MAIN).join('-');
    const type = TerraformElement.isTerraformElement(element) ? element.constructor.name : '';
    const known = this.#paths.get(`${type} ${address}`);
    if (known !== undefined && known !== node.path)
      throw new Error(
        `${node.path} and ${known} would both be addressed as ${address}: rename one of the constructs.`,
      );
    this.#paths.set(`${type} ${address}`, node.path);
    return address;
  }
}
