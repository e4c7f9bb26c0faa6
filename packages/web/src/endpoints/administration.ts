import {
  type AuditRecord,
  auditCodes,
  CountersignError,
  type SettingsChange as SavedChange,
  type SessionPrincipal,
  StepUpRequiredError,
  type WorkspaceSettings,
} from '@countersign/core';
import { TZDate } from '@date-fns/tz';
import { h } from 'preact';
import { z } from 'zod';
import type { StepUp } from '../guard/step-up.ts';
import { redirectReply, type WebReply, withRetryAfter } from '../http/web-reply.ts';
import type { WebRequest } from '../http/web-request.ts';
import {
  AuditPage,
  type AuditRow,
  type SettingsChange,
  type SettingsErrors,
  type SettingsHistoryEntry,
  SettingsPage,
  type SettingsPageProps,
  type SettingsValues,
} from '../pages/pages.ts';
import type { Web } from '../web.ts';
import { endpoint } from './endpoint.ts';
import { factorErrorOf } from './factor-error-of.ts';

const listed = z
  .union([z.string(), z.array(z.string())])
  .transform((value) => (typeof value === 'string' ? [value] : value));
const settingsForm = z.object({
  version: z.coerce.number().int().min(0),
  enabled: z.literal('on').optional(),
  categories: listed.default([]),
  graceMinutes: z.string().max(20),
  challengeId: z.string().max(64).optional(),
  factor: z.string().max(32).default('totp'),
  code: z.string().max(64).default(''),
});
type SettingsForm = z.output<typeof settingsForm>;

export const settingsPage = endpoint({
  name: 'settingsPage',
  summary: 'A workspace’s settings',
  method: 'GET',
  face: 'page',
  path: '/admin/settings',
  query: z.object({ saved: z.literal('').optional().catch(undefined) }),
  async handle({ web, request, principal, query }) {
    const { version, settings } = await web.countersign.administration.settings(principal);
    const notice = query.saved === undefined ? {} : { notice: 'saved' as const };
    return await settingsReply(web, request, principal, 200, { version, values: valuesOf(settings), ...notice });
  },
});

export const settingsSave = endpoint({
  name: 'settingsSave',
  summary: 'Saves a workspace’s settings; the same form takes the code where a fresh proof is needed',
  method: 'POST',
  face: 'page',
  path: '/admin/settings',
  body: settingsForm,
  async handle({ web, stepUp, request, principal, body }) {
    const values: SettingsValues = {
      enabled: body.enabled === 'on',
      categories: body.categories,
      graceMinutes: body.graceMinutes,
    };
    const shown = { version: body.version, values };
    const errors = fieldErrors(web, values);
    if (Object.keys(errors).length > 0)
      return await settingsReply(web, request, principal, 422, { ...shown, errors, ...confirmOf(body) });
    const confirmed = await confirm(web, stepUp, principal, body);
    if ('error' in confirmed) {
      return await settingsReply(web, request, principal, confirmed.status, { ...shown, confirm: confirmed.confirm });
    }
    const cookies = confirmed.cookie === null ? {} : { cookies: [confirmed.cookie] };
    const { administration } = web.countersign;
    // The proof just earned is bound to the cookie that goes out with this very reply.
    const bound = confirmed.principal;
    try {
      const settings = {
        enabled: values.enabled,
        categories: [...values.categories],
        graceSeconds: secondsOf(values.graceMinutes) ?? 0,
      };
      await administration.changeSettings(bound, body.version, settings);
      // Answered by a redirect, so that a reload sends nothing again.
      return { ...redirectReply(`${web.path('/admin/settings')}?saved`), ...cookies };
    } catch (error) {
      if (error instanceof StepUpRequiredError && error.challenge !== null) {
        const reply = await settingsReply(web, request, principal, 401, {
          ...shown,
          confirm: { challengeId: error.challenge.id, factor: 'totp' },
        });
        return { ...reply, ...cookies };
      }
      if (CountersignError.is(error) && error.code === 'settings_conflict') {
        const current = await administration.settings(bound);
        const conflict = {
          by: current.changedBy,
          at: current.changedAt ?? new Date(web.countersign.configuration.clock.now()),
          saved: valuesOf(current.settings),
        };
        const reply = await settingsReply(web, request, bound, 409, { version: current.version, values, conflict });
        return { ...reply, ...cookies };
      }
      throw error;
    }
  },
});

export const auditPage = endpoint({
  name: 'auditPage',
  summary: 'A workspace’s audit log',
  method: 'GET',
  face: 'page',
  path: '/admin/audit',
  query: z.object({
    from: z.string().max(20).catch('').default(''),
    until: z.string().max(20).catch('').default(''),
    userId: z.string().max(256).catch('').default(''),
    patientId: z.string().max(256).catch('').default(''),
    code: z.string().max(64).catch('').default(''),
    before: z.string().max(80).optional().catch(undefined),
  }),
  async handle({ web, request, principal, query }) {
    const { before, ...values } = query;
    const { timeZone } = web.options;
    const from = startOfDay(values.from, timeZone);
    const until = startOfDay(values.until, timeZone, 1);
    const errors = {
      ...(from === null ? { from: 'not_a_date' as const } : {}),
      ...(until === null
        ? { until: 'not_a_date' as const }
        : typeof from === 'number' && typeof until === 'number' && until <= from
          ? { until: 'until_before_from' as const }
          : {}),
    };
    const cursor = before === undefined ? null : /^(\d{1,15})~([0-9a-f-]{36})$/.exec(before);
    const wrong = Object.keys(errors).length > 0;
    await web.countersign.administration.assertAdministrator(principal);
    const events = wrong
      ? []
      : await web.countersign.administration.auditEvents(principal, {
          limit: AUDIT_ROWS + 1,
          ...(typeof from === 'number' ? { from } : {}),
          ...(typeof until === 'number' ? { until } : {}),
          ...(values.userId === '' ? {} : { userId: values.userId }),
          ...(values.patientId === '' ? {} : { patientId: values.patientId }),
          ...(values.code === '' ? {} : { codes: [values.code] }),
          ...(cursor?.[1] === undefined || cursor[2] === undefined
            ? {}
            : { before: { at: Number(cursor[1]), id: cursor[2] } }),
        });
    const rows = events.slice(0, AUDIT_ROWS);
    const last = events.length > AUDIT_ROWS ? rows.at(-1) : undefined;
    const formAction = web.path('/admin/audit');
    const filtered = new URLSearchParams(Object.entries(values).filter(([, value]) => value !== ''));
    const page = h(AuditPage, {
      filter: { formAction, values, errors, codes: auditCodes },
      rows: rows.map((event) => auditRow(web, event)),
      olderHref:
        last === undefined
          ? undefined
          : `${formAction}?${new URLSearchParams([...filtered, ['before', `${last.at}~${last.id}`]])}`,
      newestHref: before === undefined ? undefined : `${formAction}?${filtered}`,
    });
    return web.page(request, principal, page, wrong ? 422 : 200);
  },
});

const AUDIT_ROWS = 100;

/** Where a day begins in the zone that the list is shown in, or the day after it; undefined for empty text, null for what is no date. */
function startOfDay(text: string, timeZone: string, daysLater = 0): number | null | undefined {
  if (text === '') return undefined;
  const parsed = z.iso.date().safeParse(text);
  if (!parsed.success) return null;
  const [year = 0, month = 1, day = 1] = parsed.data.split('-').map(Number);
  return new TZDate(year, month - 1, day + daysLater, timeZone).getTime();
}

function auditRow(web: Web, event: AuditRecord): AuditRow {
  const declared = web.countersign.configuration.categories;
  const categories =
    event.categories === null ? [] : event.categories.split(',').map((id) => declared.get(id)?.name ?? id);
  const { id, code, outcome, action, factor, reason } = event;
  return {
    id,
    at: new Date(event.at),
    code,
    outcome,
    user: event.userId,
    actor: event.actorId,
    patient: event.patientId,
    categories,
    action,
    factor,
    reason,
  };
}

type Confirmed =
  | { readonly principal: SessionPrincipal; readonly cookie: string | null }
  | { readonly error: true; readonly status: number; readonly confirm: NonNullable<SettingsPageProps['confirm']> };

/** Answers the challenge that stands in the form, where there is one. */
async function confirm(web: Web, stepUp: StepUp, principal: SessionPrincipal, body: SettingsForm): Promise<Confirmed> {
  const { challengeId, factor, code } = body;
  if (challengeId === undefined || challengeId === '') return { principal, cookie: null };
  try {
    const { binding } = await web.countersign.answerChallenge(principal, challengeId, factor, { code });
    if (binding === null) return { principal, cookie: null };
    await stepUp.rotateHostSession();
    // Found under its new key from here on, where the host's session was given one.
    const renewed = (await stepUp.identify()) ?? principal;
    return {
      principal: web.countersign.principalOf(renewed, binding, principal.request),
      cookie: web.cookie.set(binding),
    };
  } catch (error) {
    // An ended challenge is no fault of the administrator's: saving goes on, and opens a new one where that is needed.
    if (CountersignError.is(error) && error.code === 'challenge_unknown') return { principal, cookie: null };
    const shown = factorErrorOf(error, factor);
    if (shown === null || !CountersignError.is(error)) throw error;
    return { error: true, status: error.status, confirm: { challengeId, factor: 'totp', error: shown } };
  }
}

/** The confirm section stays where the form had one, whatever else was wrong. */
const confirmOf = (body: SettingsForm): Pick<SettingsPageProps, 'confirm'> =>
  body.challengeId === undefined || body.challengeId === ''
    ? {}
    : { confirm: { challengeId: body.challengeId, factor: 'totp' } };

/** Minutes as they were typed, in whole seconds: `15`, or `1.5` where code has set a default that is no whole minute. */
function secondsOf(minutes: string): number | null {
  const typed = /^\s*(\d{1,6}(?:[.,]\d{1,2})?)\s*$/.exec(minutes)?.[1];
  return typed === undefined ? null : Math.round(Number(typed.replace(',', '.')) * 60);
}

function fieldErrors(web: Web, values: SettingsValues): SettingsErrors {
  const { categories, bounds } = web.countersign.configuration;
  const seconds = secondsOf(values.graceMinutes);
  const outside = seconds !== null && (seconds < bounds.leastGraceSeconds || seconds > bounds.mostGraceSeconds);
  return {
    ...(values.categories.every((id) => categories.has(id)) ? {} : { categories: 'categories_unknown' as const }),
    ...(seconds === null
      ? { graceMinutes: 'grace_not_a_number' as const }
      : outside
        ? { graceMinutes: 'grace_out_of_range' as const }
        : {}),
  };
}

async function settingsReply(
  web: Web,
  request: WebRequest,
  principal: SessionPrincipal,
  status: number,
  shown: Pick<SettingsPageProps, 'version' | 'values'> & Partial<SettingsPageProps>,
): Promise<WebReply> {
  const { configuration, administration } = web.countersign;
  const { bounds } = configuration;
  const changes = await administration.settingsChanges(principal);
  const page = h(SettingsPage, {
    formAction: web.path('/admin/settings'),
    categories: [...configuration.categories.values()].map(({ id, name, strength, graceSeconds }) => ({
      id,
      name,
      strength,
      fixedGraceSeconds: graceSeconds ?? null,
    })),
    graceBounds: {
      minMinutes: Math.ceil(bounds.leastGraceSeconds / 60),
      maxMinutes: Math.floor(bounds.mostGraceSeconds / 60),
    },
    history: changes.map(historyEntry),
    ...shown,
  });
  return withRetryAfter(web.page(request, principal, page, status), shown.confirm?.error?.retryAfterSeconds);
}

const valuesOf = (settings: WorkspaceSettings): SettingsValues => ({
  enabled: settings.enabled,
  categories: settings.categories,
  graceMinutes: String(Math.round((settings.graceSeconds / 60) * 100) / 100),
});

function historyEntry(change: SavedChange): SettingsHistoryEntry {
  const { before, after } = change;
  const changes: SettingsChange[] = [];
  if (before?.enabled !== after.enabled)
    changes.push({ field: 'enabled', from: before?.enabled ?? null, to: after.enabled });
  if (before?.categories.join() !== after.categories.join()) {
    changes.push({ field: 'categories', from: before?.categories ?? null, to: after.categories });
  }
  if (before?.graceSeconds !== after.graceSeconds) {
    changes.push({
      field: 'graceMinutes',
      from: before === null ? null : before.graceSeconds / 60,
      to: after.graceSeconds / 60,
    });
  }
  return { version: change.version, at: change.at, by: change.userId, changes };
}
