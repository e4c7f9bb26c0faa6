import {
  CountersignError,
  knownActions,
  type SessionPrincipal,
  type SettingsDecision,
  type SettingsView,
  satisfiesStrength,
  settingsWarnings,
  strengths,
  strongestReachable,
} from '@countersign/core';
import { h } from 'preact';
import { z } from 'zod';
import { redirectReply, type WebReply } from '../http/web-reply.ts';
import type { WebRequest } from '../http/web-request.ts';
import { type SettingsCatalogue, type SettingsNotice, SettingsPage, type SettingsPageProps } from '../pages/pages.ts';
import type { Web } from '../web.ts';
import { endpoint } from './endpoint.ts';
import { readSettingsForm, valuesOf } from './settings-form.ts';

const notices = ['saved', 'proposed', 'approved', 'rejected', 'withdrawn'] as const satisfies readonly SettingsNotice[];

export const settingsPage = endpoint({
  name: 'settingsPage',
  summary: 'A workspace’s settings',
  method: 'GET',
  face: 'page',
  path: '/admin/settings',
  query: z.looseObject({}),
  async handle({ web, request, principal, query }) {
    const view = await web.countersign.administration.settings(principal);
    const notice = notices.find((name) => Object.hasOwn(query, name));
    return await settingsReply(web, request, principal, view, 200, notice === undefined ? {} : { notice });
  },
});

/** A post without a fresh proof is refused as every form post is: with a challenge, and a draft that can be sent again. */
export const settingsSave = endpoint({
  name: 'settingsSave',
  summary: 'Saves a workspace’s settings, or shows what they would change',
  method: 'POST',
  face: 'page',
  path: '/admin/settings',
  body: z.looseObject({ version: z.coerce.number().int().min(0), do: z.enum(['save', 'preview']).default('save') }),
  async handle({ web, request, principal, body }) {
    const { administration, configuration } = web.countersign;
    const view = await administration.settings(principal);
    const { values, settings, errors } = readSettingsForm(configuration, body, view.settings);
    const shown = { version: body.version, values };
    if (settings === null) return await settingsReply(web, request, principal, view, 422, { ...shown, errors });
    if (body.do === 'preview') {
      const preview = await administration.previewSettings(principal, settings);
      const warnings = settingsWarnings(settings, configuration.roles);
      return await settingsReply(web, request, principal, view, 200, { ...shown, preview, warnings });
    }
    try {
      const { saved } = await administration.changeSettings(principal, body.version, settings);
      // Answered by a redirect, so that a reload sends nothing again.
      return redirectReply(`${web.path('/admin/settings')}?${saved ? 'saved' : 'proposed'}`);
    } catch (error) {
      if (!CountersignError.is(error) || error.code !== 'settings_conflict') throw error;
      const current = await administration.settings(principal);
      const conflict = {
        by: current.changedBy,
        at: current.changedAt ?? new Date(configuration.clock.now()),
        saved: current.settings,
        yours: settings,
      };
      return await settingsReply(web, request, principal, current, 409, { values, conflict });
    }
  },
});

const decided = { approve: 'approved', reject: 'rejected', withdraw: 'withdrawn' } as const satisfies Record<
  SettingsDecision['decision'],
  SettingsNotice
>;
const refused: Readonly<Record<string, SettingsNotice>> = {
  settings_proposal_unknown: 'gone',
  second_administrator_required: 'own',
};

export const settingsProposal = endpoint({
  name: 'settingsProposal',
  summary: 'Decides about settings that wait for a second administrator',
  method: 'POST',
  face: 'page',
  path: '/admin/settings/proposal',
  body: z.looseObject({
    decision: z.enum(['approve', 'reject', 'withdraw'], 'approve, reject or withdraw is needed'),
    proposal: z.string().max(64),
  }),
  async handle({ web, request, principal, body }) {
    const { administration } = web.countersign;
    const { decision, proposal } = body;
    try {
      await administration.decideSettings(principal, { decision, proposal });
      return redirectReply(`${web.path('/admin/settings')}?${decided[decision]}`);
    } catch (error) {
      if (!CountersignError.is(error)) throw error;
      const notice = refused[error.code];
      const outdated = error.code === 'settings_conflict';
      if (notice === undefined && !outdated) throw error;
      // The page says by itself that an outdated proposal can no longer be approved.
      const view = await administration.settings(principal);
      return await settingsReply(web, request, principal, view, error.status, notice === undefined ? {} : { notice });
    }
  },
});

/** What code declares, for administrators to choose among. */
export function catalogueOf(web: Web): SettingsCatalogue {
  const { configuration } = web.countersign;
  const { bounds, limits } = configuration;
  const most = strongestReachable(configuration);
  return {
    categories: [...configuration.categories.values()].map(({ id, name, strength, graceSeconds, scope, actions }) => ({
      id,
      name,
      strength,
      fixedGraceSeconds: graceSeconds ?? null,
      scope,
      actions: actions ?? null,
    })),
    roles: configuration.roles,
    actions: [...knownActions(configuration)],
    reauthenticated: [...configuration.reauthentication]
      .filter(([, rule]) => rule.withinSeconds === 0)
      .map(([action]) => action),
    strengths: strengths.filter((strength) => satisfiesStrength(most, strength)),
    treatment: configuration.treatmentRelationship !== undefined,
    graceBounds: {
      minMinutes: Math.ceil(bounds.leastGraceSeconds / 60),
      maxMinutes: Math.floor(bounds.mostGraceSeconds / 60),
    },
    emergencyAccess: emergencyCatalogue(configuration),
    mostMinutes: limits.absoluteSeconds === undefined ? null : Math.floor(limits.absoluteSeconds / 60),
  };
}

/** Where the host's own function says who may, any role may be named. */
function emergencyCatalogue({
  emergencyAccess,
  roles,
}: Web['countersign']['configuration']): SettingsCatalogue['emergencyAccess'] {
  if (emergencyAccess === undefined) return null;
  const named = emergencyAccess.eligible === undefined ? emergencyAccess.roles : undefined;
  const all = named ?? roles.map(({ id }) => id);
  return { roles: all, mostMinutes: Math.floor(emergencyAccess.windowSeconds / 60) };
}

async function settingsReply(
  web: Web,
  request: WebRequest,
  principal: SessionPrincipal,
  view: SettingsView,
  status: number,
  shown: Partial<SettingsPageProps>,
): Promise<WebReply> {
  const { configuration, administration } = web.countersign;
  const changes = await administration.settingsChanges(principal);
  const { proposal, settings, version } = view;
  const page = h(SettingsPage, {
    formAction: web.path('/admin/settings'),
    version,
    values: valuesOf(configuration, settings),
    catalogue: catalogueOf(web),
    history: changes.map(({ userId, ...change }) => ({ ...change, by: userId })),
    warnings: settingsWarnings(settings, configuration.roles),
    ...(proposal === null
      ? {}
      : {
          proposal: {
            formAction: web.path('/admin/settings/proposal'),
            id: proposal.id,
            by: proposal.proposedBy,
            at: proposal.proposedAt,
            own: proposal.proposedBy === principal.userId,
            outdated: proposal.baseVersion !== version,
            current: settings,
            proposed: proposal.settings,
            loosening: proposal.loosening,
          },
        }),
    ...shown,
  });
  return web.page(request, principal, page, status);
}
