import {
  CountersignError,
  type EffectiveSettings,
  type ErrorCode,
  type SessionPrincipal,
  type SettingsOutcome,
  type SettingsView,
  settingsWarnings,
  storedSettingsSchema,
  strengths,
} from '@countersign/core';
import { z } from 'zod';
import { jsonReply, type WebReply } from '../http/web-reply.ts';
import type { Web } from '../web.ts';
import { endpoint } from './endpoint.ts';
import { catalogueOf } from './settings.ts';
import { problemsOf } from './settings-form.ts';

const strength = z.enum(strengths);
const seconds = z.int();
const names = z.array(z.string());

const proposal = z
  .object({
    id: z.string(),
    baseVersion: z.int(),
    settings: storedSettingsSchema,
    proposedAt: z.iso.datetime(),
    proposedBy: z.string(),
    /** In what ways it asks less of people. */
    loosening: z.array(z.object({ kind: z.string(), about: z.string().nullable() })),
  })
  .nullable();
const warnings = z.array(z.object({ kind: z.string(), about: z.string().nullable() }));

const settingsJson = z.object({
  /** Sent back with a change. */
  version: z.int(),
  settings: storedSettingsSchema,
  /** What they come to, together with what code declares. */
  effective: z.object({
    enabled: z.boolean(),
    categories: z.array(
      z.object({
        id: z.string(),
        graceSeconds: seconds,
        strength,
        scope: z.enum(['patient', 'category']),
        /** Null: every one. */
        actions: names.nullable(),
      }),
    ),
    reauthentication: z.array(z.object({ action: z.string(), withinSeconds: seconds, strength })),
    mustEnrolRoles: names,
  }),
  changedAt: z.iso.datetime().nullable(),
  changedBy: z.string().nullable(),
  bounds: z.object({
    leastGraceSeconds: seconds,
    mostGraceSeconds: seconds,
    absoluteSeconds: seconds.nullable(),
    strengths: z.array(strength),
  }),
  catalogue: z.object({
    categories: z.array(
      z.object({
        id: z.string(),
        name: z.string(),
        strength,
        graceSeconds: seconds.nullable(),
        scope: z.enum(['patient', 'category']),
        actions: names.nullable(),
        sensitive: z.boolean(),
      }),
    ),
    roles: z.array(z.object({ id: z.string(), name: z.string(), clinical: z.boolean() })),
    actions: names,
    reauthenticateActions: z.array(z.object({ action: z.string(), withinSeconds: seconds, strength })),
    /** Whether exemptions by treatment relationship can be chosen. */
    treatmentRelationship: z.boolean(),
  }),
  proposal,
  warnings,
});
const outcomeJson = settingsJson.extend({
  /** False: what was sent waits as `proposal`. */
  saved: z.boolean(),
});

const counts = z.object({ before: z.int(), after: z.int() });
const previewJson = z.object({
  from: z.iso.datetime(),
  until: z.iso.datetime(),
  /** There were more events than are looked at, and the period begins later. */
  cut: z.boolean(),
  accesses: z.int(),
  asked: counts,
  refused: counts,
  users: z.array(counts.extend({ userId: z.string() })),
  categories: z.array(counts.extend({ categoryId: z.string().nullable() })),
  people: z.int(),
  withoutStrongFactor: z.int(),
  /** What the log cannot tell. */
  unknown: names,
  warnings,
});

const readErrors = ['administrator_required', 'settings_unknown'] as const satisfies readonly ErrorCode[];
const changeErrors = [
  ...readErrors,
  'input_invalid',
  'step_up_required',
  'factor_required',
  'person_required',
  'settings_conflict',
] as const satisfies readonly ErrorCode[];

export const settingsRead = endpoint({
  name: 'settingsRead',
  summary: 'A workspace’s settings, what code allows, and what waits for a second administrator',
  method: 'GET',
  face: 'api',
  path: '/admin/settings',
  output: settingsJson,
  errors: readErrors,
  async handle({ web, principal }) {
    return jsonReply(200, viewJson(web, await web.countersign.administration.settings(principal)));
  },
});

/** Answers 202 where the change loosens and has to wait; 409 with both sides where others were saved in the meantime. */
export const settingsReplace = endpoint({
  name: 'settingsReplace',
  summary: 'Saves a workspace’s settings whole, or proposes them to a second administrator (202)',
  method: 'PUT',
  face: 'api',
  path: '/admin/settings',
  body: z.object({
    version: z.int('the version that the settings were made from is needed').min(0),
    settings: storedSettingsSchema,
  }),
  output: outcomeJson,
  successes: { 200: 'Saved', 202: 'Proposed to a second administrator' },
  errors: changeErrors,
  async handle({ web, principal, body }) {
    const { administration } = web.countersign;
    const outcome = await asMembers(() => administration.changeSettings(principal, body.version, body.settings));
    return outcomeReply(web, outcome, outcome.saved ? 200 : 202);
  },
});

export const settingsPreview = endpoint({
  name: 'settingsPreview',
  summary: 'Who would have been asked in the last seven days, had these settings been in force',
  method: 'POST',
  face: 'api',
  path: '/admin/settings/preview',
  body: z.object({ settings: storedSettingsSchema }),
  output: previewJson,
  errors: [...readErrors, 'input_invalid'],
  async handle({ web, principal, body }) {
    const { administration, configuration } = web.countersign;
    const preview = await asMembers(() => administration.previewSettings(principal, body.settings));
    return jsonReply(200, { ...preview, warnings: settingsWarnings(body.settings, configuration.roles) });
  },
});

export const settingsDecide = endpoint({
  name: 'settingsDecide',
  summary: 'Approves or rejects settings that another administrator proposed, or withdraws one’s own',
  method: 'POST',
  face: 'api',
  path: '/admin/settings/proposal',
  body: z.object({
    decision: z.enum(['approve', 'reject', 'withdraw'], 'approve, reject or withdraw is needed'),
    /** The `id` of the proposal that was read. */
    proposal: z.string().max(64).optional(),
  }),
  output: outcomeJson,
  errors: [...changeErrors, 'settings_proposal_unknown', 'second_administrator_required'],
  async handle({ web, principal, body }) {
    return outcomeReply(web, await decide(web, principal, body), 200);
  },
});

const decide = (
  web: Web,
  principal: SessionPrincipal,
  decision: Parameters<Web['countersign']['administration']['decideSettings']>[1],
): Promise<SettingsOutcome> => web.countersign.administration.decideSettings(principal, decision);

const outcomeReply = (web: Web, outcome: SettingsOutcome, status: number): WebReply =>
  jsonReply(status, { ...viewJson(web, outcome), saved: outcome.saved });

/** Fields are named as they were sent: below `settings`. */
async function asMembers<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!CountersignError.is(error) || error.code !== 'input_invalid') throw error;
    const problems = problemsOf(error).map((one) => ({ ...one, field: `settings.${one.field}` }));
    const [first] = problems;
    throw new CountersignError('input_invalid', {
      ...(first === undefined ? {} : { field: first.field, detail: `${first.field}: ${first.problem}.` }),
      extra: { problems },
    });
  }
}

function viewJson(web: Web, view: SettingsView): z.input<typeof settingsJson> {
  const { configuration } = web.countersign;
  const { bounds, limits } = configuration;
  const { roles, actions, treatment: treatmentRelationship, strengths: reachable } = catalogueOf(web);
  return {
    version: view.version,
    settings: view.settings,
    effective: effectiveJson(view.effective),
    changedAt: view.changedAt?.toISOString() ?? null,
    changedBy: view.changedBy,
    bounds: { ...bounds, absoluteSeconds: limits.absoluteSeconds ?? null, strengths: [...reachable] },
    catalogue: {
      categories: [...configuration.categories.values()].map((category) => ({
        id: category.id,
        name: category.name,
        strength: category.strength,
        graceSeconds: category.graceSeconds ?? null,
        scope: category.scope,
        actions: category.actions ?? null,
        sensitive: category.sensitive,
      })),
      roles: [...roles],
      actions: [...actions],
      reauthenticateActions: rulesJson(configuration.reauthentication),
      treatmentRelationship,
    },
    proposal: view.proposal && {
      ...view.proposal,
      proposedAt: view.proposal.proposedAt.toISOString(),
      loosening: [...view.proposal.loosening],
    },
    warnings: settingsWarnings(view.settings, configuration.roles),
  };
}

const effectiveJson = (settings: EffectiveSettings) => ({
  enabled: settings.enabled,
  categories: [...settings.categories.values()].map(({ id, graceSeconds, strength: asked, scope, actions }) => ({
    id,
    graceSeconds,
    strength: asked,
    scope,
    actions: actions === null ? null : [...actions],
  })),
  reauthentication: rulesJson(settings.reauthentication),
  mustEnrolRoles: [...settings.enrolment.roles],
});

const rulesJson = (rules: EffectiveSettings['reauthentication']) =>
  [...rules].map(([action, rule]) => ({ action, ...rule }));
