/** `spec.recipients`: to whom the mail of a fleet may go. */
import * as fields from './fields.ts'
import type { CrossFieldRule, FromSchema, ObjectSchema } from './schema.ts'

export const recipients = {
  type: 'object',
  default: {},
  description: 'To whom mail may go.',
  properties: {
    mode: {
      type: 'string',
      maxLength: 16,
      enum: ['Unrestricted', 'AllowList', 'Redirect', 'Capture'],
      description:
        'Unrestricted: to everybody. AllowList: only to those in allow. Redirect: all to redirectTo. Capture: to nobody, into the inbox of the fleet. Absent: Capture in NonProduction, else Unrestricted.',
    },
    allow: {
      type: 'object',
      default: {},
      description: 'For mode AllowList: to whom mail may go. Other recipients are refused (550).',
      properties: {
        domains: {
          ...fields.domainNames,
          description:
            'For mode AllowList: recipients of these very domains, without their subdomains, and without %, ! or @ in the local part, which name another host.',
        },
        addresses: {
          type: 'array',
          maxItems: 256,
          default: [],
          items: fields.address,
          description: 'For mode AllowList: these recipients.',
        },
      },
    },
    redirectTo: {
      ...fields.address,
      description: 'For mode Redirect: the address that gets all mail instead of its recipients.',
    },
  },
} as const satisfies ObjectSchema

/** The part of a policy that these rules read. */
type Sending = {
  readonly environment: FromSchema<typeof fields.environment>
  readonly recipients: FromSchema<typeof recipients>
}

/** The mode that counts. Without one, NonProduction mail is captured: it must not go anywhere unless somebody says so. */
export const modeOf = ({ environment, recipients: { mode } }: Sending) =>
  mode ?? (environment === 'NonProduction' ? 'Capture' : 'Unrestricted')

export const recipientRules: readonly CrossFieldRule<Sending>[] = [
  {
    field: 'spec.recipients.mode',
    cel: "!(self.environment == 'NonProduction' && has(self.recipients.mode) && self.recipients.mode == 'Unrestricted')",
    message: 'NonProduction mail may not go to everybody; use AllowList, Redirect or Capture',
    holds: (s) => !(s.environment === 'NonProduction' && s.recipients.mode === 'Unrestricted'),
  },
  {
    field: 'spec.recipients.allow',
    cel: "!(has(self.recipients.mode) && self.recipients.mode == 'AllowList') || self.recipients.allow.domains.size() > 0 || self.recipients.allow.addresses.size() > 0",
    message: 'mode AllowList with an empty list allows nobody; name domains or addresses',
    holds: (s) =>
      s.recipients.mode !== 'AllowList' ||
      s.recipients.allow.domains.length > 0 ||
      s.recipients.allow.addresses.length > 0,
  },
  {
    field: 'spec.recipients.allow',
    cel: "(has(self.recipients.mode) && self.recipients.mode != 'Unrestricted') || (self.recipients.allow.domains.size() == 0 && self.recipients.allow.addresses.size() == 0)",
    message: 'only mode AllowList uses recipients.allow: set recipients.mode to AllowList, or take allow away',
    holds: ({ recipients: { mode = 'Unrestricted', allow } }) =>
      mode !== 'Unrestricted' || (allow.domains.length === 0 && allow.addresses.length === 0),
  },
  {
    field: 'spec.recipients.redirectTo',
    cel: "(has(self.recipients.mode) && self.recipients.mode != 'Unrestricted') || !has(self.recipients.redirectTo)",
    message: 'only mode Redirect uses recipients.redirectTo: set recipients.mode to Redirect, or take redirectTo away',
    holds: ({ recipients: { mode = 'Unrestricted', redirectTo } }) =>
      mode !== 'Unrestricted' || redirectTo === undefined,
  },
  {
    field: 'spec.recipients.redirectTo',
    cel: "!(has(self.recipients.mode) && self.recipients.mode == 'Redirect') || has(self.recipients.redirectTo)",
    message: 'mode Redirect needs redirectTo, the address that gets the mail instead',
    holds: (s) => s.recipients.mode !== 'Redirect' || s.recipients.redirectTo !== undefined,
  },
]
