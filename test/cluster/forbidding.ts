/** Somebody else's admission policy in the cluster, which forbids every change of a namespace's Secrets. */
import { until } from '../local/until.ts'
import { type Api, accepted, type Refusal } from './api.ts'

const policies = '/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies'
const apiVersion = 'admissionregistration.k8s.io/v1'

/**
 * Installs it, and resolves when it is in force. `quoting` is a CEL expression for its message on a Secret that exists already.
 * Returns a function that removes it, and resolves when it is out of force.
 */
export async function forbidding(
  admin: Api,
  namespace: string,
  message: string,
  quoting = `'${message}'`,
): Promise<() => Promise<void>> {
  const name = `forbidding-${namespace}`
  const rule = { apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE', 'UPDATE'], resources: ['secrets'] }
  const namespaceSelector = { matchLabels: { 'kubernetes.io/metadata.name': namespace } }
  const of = `oldObject == null ? '${message}' : ${quoting}`
  const policy = {
    matchConstraints: { namespaceSelector, resourceRules: [rule] },
    validations: [{ expression: 'false', message, messageExpression: of, reason: 'Forbidden' }],
  }
  const binding = { policyName: name, validationActions: ['Deny'] }
  const kind = 'ValidatingAdmissionPolicy'
  accepted(await admin.create(policies, { apiVersion, kind, metadata: { name }, spec: policy }))
  const bindings = policies.replace(/ies$/, 'ybindings')
  accepted(await admin.create(bindings, { apiVersion, kind: `${kind}Binding`, metadata: { name }, spec: binding }))
  const holds = async (): Promise<boolean> => {
    const probe = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'probe', namespace } }
    const { body } = await admin.create(`/api/v1/namespaces/${namespace}/secrets?dryRun=All`, probe)
    return (body as Refusal).message?.includes(message) === true
  }
  await until('the policy holds', holds)
  return async () => {
    accepted(await admin.remove(`${bindings}/${name}`))
    accepted(await admin.remove(`${policies}/${name}`))
    await until('the policy is gone', async () => !(await holds()))
  }
}
