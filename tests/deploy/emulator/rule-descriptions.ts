/** Changes of an answer of EC2, which speaks the query protocol: forms in, XML out. */
export interface FormCall {
  readonly form: URLSearchParams;
  readonly answer: string;
}

const RULE_ID = /<securityGroupRuleId>(sgr-[0-9a-f]+)<\/securityGroupRuleId>/g;

/** Where a request that makes or changes one rule has the group that the rule names, and the rule's description. */
const REQUESTS = [
  { group: 'IpPermissions.1.Groups.1.GroupId', description: 'IpPermissions.1.Groups.1.Description' },
  {
    group: 'SecurityGroupRule.1.SecurityGroupRule.ReferencedGroupId',
    description: 'SecurityGroupRule.1.SecurityGroupRule.Description',
  },
];

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');

/** Descriptions of security group rules that name another group: moto keeps only those that name addresses. */
export const ruleDescriptions = () => {
  const descriptions = new Map<string, string>();
  const learn = ({ form, answer }: FormCall): void => {
    const request = REQUESTS.find(({ group }) => form.has(group));
    const [[, made] = []] = answer.matchAll(RULE_ID);
    const id = form.get('SecurityGroupRule.1.SecurityGroupRuleId') ?? made;
    if (request && id) descriptions.set(id, form.get(request.description) ?? '');
  };
  return {
    concerns: (form: URLSearchParams): boolean =>
      /SecurityGroup(Rules|Ingress|Egress)$/.test(form.get('Action') ?? ''),
    /** @returns the answer with the descriptions that it should have */
    amend: (call: FormCall): string => {
      learn(call);
      return call.answer.replace(RULE_ID, (element, id: string) => {
        const description = descriptions.get(id);
        return description ? `${element}<description>${escaped(description)}</description>` : element;
      });
    },
  };
};
